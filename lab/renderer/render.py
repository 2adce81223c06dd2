"""`python render.py SAMPLES FILE.npz …`: what a camera sees of each specimen under each lamp.

It runs where Mitsuba is installed and nothing of this project, so a file says all: `places` (n, 3)
in mm from the lens, right, down and away; `alpha` (h, w), whose covered pixels are the n places;
`normals` (3, n, 3) for blue, green and red; `under_diodes` and `in_room` (n, 3) reflectance;
`roughness` and `specular` of Disney's surface (Burley 2012); `lamps` (k, 3) in mm; `frame`, `crop`
(left, upper edge and side) and `focal`, in pixels. It writes FILE.light.npz: `lamps` (k, 3, side,
side), where full light of all lamps on white at 300 mm is 1, and `room`, in even light.

The hand is a mesh, lamps have a size, surfaces hide each other, and the camera is a pinhole: none
of it shares a line with `drawn.lit`.
"""

import sys
from pathlib import Path

import mitsuba
import numpy as np

mitsuba.set_variant("scalar_rgb")
mitsuba.logger().set_log_level(mitsuba.LogLevel.Error)

LAMP = 6.0
"""The side of a lamp in mm."""
REFERENCE = 300.0
DIRECT = {"type": "direct", "emitter_samples": 1, "bsdf_samples": 0}


def mesh(told, normals, reflectance):
    """Returns a palm in one colour."""
    covered = told["alpha"] > 0
    number = np.full(covered.shape, -1)
    number[covered] = np.arange(covered.sum())
    a, b, c, d = number[:-1, :-1], number[:-1, 1:], number[1:, :-1], number[1:, 1:]
    whole = np.minimum.reduce([a, b, c, d]) >= 0
    faces = np.concatenate([np.stack([a, c, b], -1)[whole], np.stack([b, c, d], -1)[whole]])
    surface = {
        "type": "principled",
        "base_color": {"type": "mesh_attribute", "name": "vertex_color"},
        "roughness": float(told["roughness"]),
        "specular": float(told["specular"]),
    }
    made = mitsuba.Properties()
    made["mesh_bsdf"] = mitsuba.load_dict({"type": "twosided", "surface": surface})
    count = len(told["places"])
    palm = mitsuba.Mesh("palm", count, len(faces), has_vertex_normals=True, props=made)
    grey = np.repeat(reflectance[:, None], 3, axis=1).ravel().astype(np.float32)
    palm.add_attribute("vertex_color", 3, grey)
    parts = mitsuba.traverse(palm)
    parts["vertex_positions"] = told["places"].ravel().astype(np.float32)
    parts["vertex_normals"] = normals.ravel().astype(np.float32)
    parts["faces"] = faces.ravel().astype(np.uint32)
    parts.update()
    return palm


def camera(told, samples):
    left, upper, side = (int(value) for value in told["crop"])
    frame = int(told["frame"])
    look = mitsuba.ScalarTransform4f().look_at(origin=[0, 0, 0], target=[0, 0, 1], up=[0, -1, 0])
    return {
        "type": "perspective",
        "fov": float(2 * np.degrees(np.arctan(frame / 2 / told["focal"]))),
        "to_world": look,
        "sampler": {"type": "independent", "sample_count": samples},
        "film": {
            "type": "hdrfilm",
            "width": frame,
            "height": frame,
            "crop_offset_x": left,
            "crop_offset_y": upper,
            "crop_width": side,
            "crop_height": side,
            "rfilter": {"type": "box"},
            "pixel_format": "luminance",
        },
    }


def lamp(place, count):
    x, y, away = (float(value) for value in place)
    move = mitsuba.ScalarTransform4f().translate([x, y, away])
    radiance = np.pi * REFERENCE**2 / LAMP**2 / count
    return {
        "type": "rectangle",
        "to_world": move @ mitsuba.ScalarTransform4f().scale([LAMP / 2, LAMP / 2, 1]),
        "emitter": {"type": "area", "radiance": {"type": "rgb", "value": float(radiance)}},
    }


def rendered(sensor, palm, light):
    scene = {"type": "scene", "integrator": DIRECT, "sensor": sensor, "palm": palm, "light": light}
    return np.array(mitsuba.render(mitsuba.load_dict(scene)))[..., 0]


def main():
    samples = int(sys.argv[1])
    sky = {"type": "constant", "radiance": {"type": "rgb", "value": 1.0}}
    for name in sys.argv[2:]:
        told = dict(np.load(name))
        lit, even = [], []
        for colour in range(3):
            normals = told["normals"][colour]
            palm = mesh(told, normals, told["under_diodes"][:, colour])
            lamps = [lamp(place, len(told["lamps"])) for place in told["lamps"]]
            lit.append([rendered(camera(told, samples), palm, each) for each in lamps])
            palm = mesh(told, normals, told["in_room"][:, colour])
            even.append(rendered(camera(told, 4 * samples), palm, sky))
        seen = np.array(lit).transpose(1, 0, 2, 3).astype(np.float32)
        file = Path(name).with_suffix(".light.npz")
        np.savez_compressed(file, lamps=seen, room=np.array(even, np.float32))


if __name__ == "__main__":
    main()
