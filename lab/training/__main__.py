"""`python -m lab.training`: trains the encoder and writes it as an ONNX file."""

import argparse
import os
import sys
from pathlib import Path

import torch
from torch.utils.data import DataLoader

from lab.training.export import write
from lab.training.lessons import GENTLE, Lessons, swatches
from lab.training.network import EncoderNetwork, Margin
from lab.training.onward import introduce, take_up
from lab.training.progress import Progress, separation

RATE = 2e-3
"""The highest learning rate."""
DECAY = 5e-4
"""The weight decay."""
MARGIN = 0.35
"""The full angular margin in radians."""
SMOOTH = 0.998
"""The decay per step of the moving average of the weights: about the last 500 steps count."""
SAVE_EVERY = 200
"""The number of steps between two checkpoints."""
WARM = 0.03
"""The share of the steps in which the learning rate rises."""
COOL = 0.35
"""The share of the steps in which the learning rate falls."""
EASY = 0.3
"""The share of the steps in which the margin rises."""
ONWARD = 0.5
"""The share of the full learning rate for an encoder that was trained before.

Such an encoder has the full margin from the first step.
"""
MEETINGS = 3
"""The mean number of pictures of each person from which such an encoder gets its class centres."""


def main() -> int:
    asked = arguments()
    asked.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(asked.seed)
    # The workers draw on their own cores; more threads here would compete with them.
    torch.set_num_threads(max((os.cpu_count() or 2) - asked.workers, 1))
    device = "cuda" if torch.cuda.is_available() else "cpu"
    skins = swatches(asked.seed, asked.people, asked.out, os.cpu_count() or 1)
    gentle = 0.0 if asked.onward else GENTLE
    lessons = Lessons(skins, asked.people, asked.seed, asked.steps, asked.batch, gentle)

    encoder = EncoderNetwork().to(device)
    encoder.to(memory_format=torch.channels_last)  # pyright: ignore[reportCallIssue] - unknown to the stubs
    margin = Margin(asked.people).to(device)
    checkpoint = asked.out / "checkpoint.pt"
    if asked.onward and not checkpoint.exists():
        batches = MEETINGS * asked.people // asked.batch + 1
        # With another seed than the lessons that train.
        meetings = Lessons(skins, asked.people, asked.seed + 1, batches, asked.batch, gentle)
        take_up(encoder, asked.onward, meetings[0][0].to(device))
        introduce(margin, encoder, taught_by(meetings, range(batches), asked.workers), device)
    kept = EncoderNetwork().to(device)
    kept.load_state_dict(encoder.state_dict())
    parameters = [*encoder.parameters(), *margin.parameters()]
    optimiser = torch.optim.AdamW(parameters, lr=RATE, weight_decay=DECAY)
    first, spent = 0, 0.0
    if checkpoint.exists():
        state = torch.load(checkpoint, map_location=device)
        encoder.load_state_dict(state["encoder"])
        margin.load_state_dict(state["margin"])
        kept.load_state_dict(state["kept"])
        optimiser.load_state_dict(state["optimiser"])
        first, spent = state["step"], state["seconds"]
        print(f"resumes at step {first}")  # noqa: T201 - the output of this command

    progress = Progress(first, asked.steps, spent)
    loader = taught_by(lessons, range(first, asked.steps), asked.workers)
    for step, (fields, who) in enumerate(loader, first):
        for group in optimiser.param_groups:
            group["lr"] = RATE * (ONWARD if asked.onward else 1) * pace(step / asked.steps)
        full = 1.0 if asked.onward else min(step / asked.steps / EASY, 1.0)
        lines = fields.to(device).contiguous(memory_format=torch.channels_last)
        with torch.autocast(device, torch.bfloat16):
            embeddings = encoder(lines)
        loss = margin(embeddings.float(), who.to(device), MARGIN * full)
        optimiser.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(parameters, 5.0)
        optimiser.step()
        remember(kept, encoder, min(SMOOTH, (1 + step) / (10 + step)))
        progress.step(float(loss.detach()), asked.batch)
        if (step + 1) % SAVE_EVERY == 0 or step + 1 == asked.steps:
            state = {
                "encoder": encoder.state_dict(),
                "margin": margin.state_dict(),
                "kept": kept.state_dict(),
                "optimiser": optimiser.state_dict(),
                "step": step + 1,
                "seconds": progress.seconds,
            }
            torch.save(state, checkpoint.with_suffix(".part"))
            checkpoint.with_suffix(".part").rename(checkpoint)
            write(kept, asked.out / "encoder.onnx")
            progress.say(separation(kept, asked.seed + asked.people, device))
    return 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="train",
        description="Trains the palm encoder on drawn palms. Run it again to resume.",
    )
    parser.add_argument(
        "--out",
        type=Path,
        default=Path("var/training"),
        metavar="DIR",
        help="folder of the checkpoint and the encoder (%(default)s)",
    )
    parser.add_argument(
        "--seed", type=int, default=1_000_000, help="seed of the first drawn person"
    )
    parser.add_argument("--people", type=int, default=10_000, help="drawn people (%(default)s)")
    parser.add_argument("--steps", type=int, default=9000, help="batches (%(default)s)")
    parser.add_argument("--batch", type=int, default=96, help="palms in a batch (%(default)s)")
    parser.add_argument(
        "--onward", type=Path, metavar="ONNX", help="start with an encoder that was trained before"
    )
    parser.add_argument(
        "--workers",
        type=int,
        default=max((os.cpu_count() or 2) // 2, 1),
        help="processes that draw palms (%(default)s)",
    )
    asked = parser.parse_args()
    if asked.onward and not asked.onward.is_file():
        parser.error(
            f"there is no encoder at {asked.onward}: name an ONNX file, such as the shipped one"
        )
    return asked


def taught_by(
    lessons: Lessons, which: range, workers: int
) -> "DataLoader[tuple[torch.Tensor, torch.Tensor]]":
    """Returns a loader of these lessons, which are drawn ahead by so many processes."""
    return DataLoader(
        lessons,
        batch_size=None,
        sampler=which,
        num_workers=workers,
        prefetch_factor=4,
        # A forked process could inherit a lock that is held by a thread it does not have.
        multiprocessing_context="spawn",
    )


def pace(done: float) -> float:
    """Returns the share of the full learning rate: it rises, stays, and falls to almost zero.

    A training that has to end earlier can be resumed with fewer steps: its rate falls at once.
    """
    return max(min(done / WARM, 1.0, (1 - done) / COOL), 1e-3)


@torch.no_grad()
def remember(kept: EncoderNetwork, encoder: EncoderNetwork, share: float) -> None:
    """Updates the moving average of the weights; `share` is the share of the average that stays."""
    for mine, theirs in zip(kept.state_dict().values(), encoder.state_dict().values(), strict=True):
        if mine.dtype.is_floating_point:
            mine.lerp_(theirs, 1 - share)
        else:
            mine.copy_(theirs)


if __name__ == "__main__":
    sys.exit(main())
