"""`python -m lab.training`: teaches the encoder and writes it, ready to be used."""

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
DECAY = 5e-4
MARGIN = 0.35
SMOOTH = 0.998
"""What the kept weights remember of themselves from step to step: an average of the last 500."""
SAVE_EVERY = 200
WARM = 0.03
"""Share of the steps in which the rate rises."""
COOL = 0.35
"""Share of the steps in which it falls."""
EASY = 0.3
"""Share of the steps in which the margin rises."""
ONWARD = 0.5
"""Share of the full rate for an encoder that was taught before; it has the whole margin at once."""
MEETINGS = 3
"""Pictures of each person, on average, that such an encoder is shown to begin with."""


def main() -> int:
    asked = arguments()
    asked.out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(asked.seed)
    # One core teaches and the others draw: more would wait for one another.
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
        # Seeded past the lessons that teach.
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
        print(f"goes on at step {first}")  # noqa: T201 - this command's own voice

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
        description="Teaches the palm encoder on drawn palms. Run again to go on where it stopped.",
    )
    parser.add_argument("--out", type=Path, default=Path("var/training"), metavar="DIR")
    parser.add_argument("--seed", type=int, default=1_000_000, help="first of the drawn people")
    parser.add_argument("--people", type=int, default=10_000)
    parser.add_argument("--steps", type=int, default=9000)
    parser.add_argument("--batch", type=int, default=96)
    parser.add_argument(
        "--onward", type=Path, metavar="ONNX", help="begin with an encoder that was taught before"
    )
    parser.add_argument("--workers", type=int, default=max((os.cpu_count() or 2) // 2, 1))
    asked = parser.parse_args()
    if asked.onward and not asked.onward.is_file():
        parser.error(
            f"there is no encoder at {asked.onward}: name a written one, such as the shipped"
        )
    return asked


def taught_by(
    lessons: Lessons, which: range, workers: int
) -> "DataLoader[tuple[torch.Tensor, torch.Tensor]]":
    """These lessons, drawn ahead by so many processes."""
    return DataLoader(
        lessons,
        batch_size=None,
        sampler=which,
        num_workers=workers,
        prefetch_factor=4,
        # A process that is forked inherits locks of threads that it does not have.
        multiprocessing_context="spawn",
    )


def pace(done: float) -> float:
    """Share of the full rate: up, then level, then down to nothing. A training that has to end
    sooner goes on with fewer steps in all and comes down at once."""
    return max(min(done / WARM, 1.0, (1 - done) / COOL), 1e-3)


@torch.no_grad()
def remember(kept: EncoderNetwork, encoder: EncoderNetwork, share: float) -> None:
    """Moves the kept weights a little toward those being taught."""
    for mine, theirs in zip(kept.state_dict().values(), encoder.state_dict().values(), strict=True):
        if mine.dtype.is_floating_point:
            mine.lerp_(theirs, 1 - share)
        else:
            mine.copy_(theirs)


if __name__ == "__main__":
    sys.exit(main())
