"""The harness by which a laboratory tests the product, in the manner of FIDO's biometric
requirements 4.1 and of ISO/IEC 30107-3 and 19795-1.

`./run lab` begins a test by a plan, enrols people, verifies them and those who attack them, and
writes the report from the log alone (docs/liveness-lab.md).

- `plan` is what is fixed beforehand, and `build` names the product that is tested.
- `journal` is the log: what was presented, and what came of it.
- `product` decides as the vault and the service do, and tells accept or reject and no score.
- `folder` and `kiosk` are where presentations come from: stored ones, or a camera and a ring.
- `transactions` lets somebody try as often as the plan says, and `report` counts.
"""
