"""Drive one live figure as a reader would, and compare the numbers it shows with Python's."""

import json
import re
from collections.abc import Iterator
from typing import Any

from playwright.sync_api import Locator
from playwright.sync_api import Page as Tab

from labcore.live.evaluate import UNKNOWN, Evaluation

PATIENCE = 10_000  # ms; a computation takes a few, the machine may be busy


def frames(tab: Tab) -> Locator:
    """The live figures of a page."""
    return tab.locator("figure.live-figure")


def specification(frame: Locator) -> dict[str, Any]:
    """The figure's description, as the page holds it."""
    script = frame.locator("script.live-figure-spec")
    return json.loads(script.text_content())


def state(frame: Locator) -> dict[str, Any]:
    """What its controls are set to."""
    return frame.evaluate("(f) => f.liveFigure.state")


def shown(frame: Locator) -> list[str]:
    """The numbers beside the picture."""
    texts = frame.locator(".lf-numbers dd").all_text_contents()
    return [text.replace("−", "-") for text in texts]


def settle(frame: Locator) -> None:
    """Until the figure shows what its controls say, or says why not."""
    frame.evaluate(
        """async (f, patience) => {
          const tick = () => new Promise(requestAnimationFrame);
          const start = performance.now();
          await tick();
          await tick();
          while (f.querySelector('.lf').dataset.state === 'running') {
            if (performance.now() - start > patience) throw new Error('still computing');
            await tick();
          }
          await tick();
        }""",
        PATIENCE,
    )


def start(frame: Locator) -> None:
    """Scroll to the figure and wait for its first picture."""
    frame.scroll_into_view_if_needed()
    frame.locator(".lf[data-state=ready], .lf[data-state=error]").wait_for(timeout=PATIENCE)
    settle(frame)


def wrong_numbers(frame: Locator) -> list[str]:
    """Where the figure shows another number than Python computes for the same state."""
    settle(frame)
    spec, now = specification(frame), state(frame)
    if (mood := frame.locator(".lf").get_attribute("data-state")) != "ready":
        return [f"{now}: {mood}: {frame.locator('.lf-status').text_content()}"]
    python = Evaluation(spec, now).numbers()
    return [
        f"{now}: {number['label']} is {there}, Python has {here}"
        for number, there, here in zip(spec["numbers"], shown(frame), python, strict=True)
        if not same(there, here)
    ]


def same(one: str, other: str) -> bool:
    """Whether the number shown agrees with Python's, but for one unit of the last digit."""
    if other == UNKNOWN:  # a time, which is the browser's alone
        return re.fullmatch(r"[0-9.]+(e-[0-9]+)?", one) is not None
    if one == other:
        return True
    digits = [re.sub(r"[^0-9.e+-]", "", text) for text in (one, other)]
    try:
        a, b = map(float, digits)
    except ValueError:
        return False
    mantissa, _, exponent = digits[1].partition("e")
    unit = 10.0 ** (int(exponent or 0) - len(mantissa.partition(".")[2]))
    return abs(a - b) <= 1.001 * unit


def drive(frame: Locator) -> Iterator[tuple[str, list[str]]]:
    """Use every control by keyboard and every point by mouse; yields what was done, what is wrong.

    That a control does nothing is a fault too.
    """
    yield "as it opens", wrong_numbers(frame)
    for control in specification(frame)["controls"]:
        for done, act in ACTIONS[control["type"]]:
            before = state(frame)[control["name"]]
            act(frame, control)
            settle(frame)
            wrong = wrong_numbers(frame)
            if state(frame)[control["name"]] == before:
                wrong.append(f"{control['name']} did not change from {before}")
            yield f"{done} {control['name']}", wrong
    for button in frame.locator(".lf-presets button").all():
        button.focus()
        button.press("Enter")
        faults = wrong_numbers(frame)
        if button.get_attribute("aria-pressed") != "true":
            faults.append("the preset is not shown as pressed")
        yield f"preset {button.text_content()}", faults
    frame.get_by_role("button", name="Copy link").focus()
    frame.page.keyboard.press("r")
    faults = wrong_numbers(frame)
    initial = {c["name"]: c["value"] for c in specification(frame)["controls"]}
    if state(frame) != initial:
        faults.append(f"r does not reset: {state(frame)}")
    yield "reset by its key", faults


def _input(frame: Locator, control: dict[str, Any]) -> Locator:
    """The control's input, found by its label as a screen reader would."""
    label = re.sub(r"\*([^*]+)\*", r"\1", control["label"])
    return frame.get_by_label(label, exact=True)


def _arrow(frame: Locator, control: dict[str, Any]) -> None:
    """One key towards the middle of the range."""
    middle = (control["low"] + control["high"]) / 2
    key = "ArrowRight" if state(frame)[control["name"]] < middle else "ArrowLeft"
    _input(frame, control).press(key)


def _end_key(frame: Locator, control: dict[str, Any]) -> None:
    is_low = state(frame)[control["name"]] <= control["low"]
    _input(frame, control).press("End" if is_low else "Home")


def _step(frame: Locator, control: dict[str, Any]) -> None:
    label = re.sub(r"\*([^*]+)\*", r"\1", control["label"])
    button = frame.get_by_role("button", name=f"Step {label}", exact=True)
    button.focus()
    button.press("Enter")


def _play(frame: Locator, control: dict[str, Any]) -> None:
    """Play for a moment, then pause."""
    label = re.sub(r"\*([^*]+)\*", r"\1", control["label"])
    before = state(frame)[control["name"]]
    button = frame.get_by_role("button", name=f"Play {label}", exact=True)
    button.focus()
    button.press("Enter")
    frame.evaluate(
        """async (f, [name, before]) => {
          const start = performance.now();
          while (f.liveFigure.state[name] === before && performance.now() - start < 5000)
            await new Promise(requestAnimationFrame);
        }""",
        [control["name"], before],
    )
    frame.evaluate("(f) => f.liveFigure.player.pause()")


def _other_choice(frame: Locator, control: dict[str, Any]) -> None:
    values = [value for _, value in control["options"]]
    first = state(frame)[control["name"]] == values[0]
    _input(frame, control).press("ArrowDown" if first else "ArrowUp")


def _space(frame: Locator, control: dict[str, Any]) -> None:
    _input(frame, control).press("Space")


def _type_seed(frame: Locator, control: dict[str, Any]) -> None:
    box = _input(frame, control)
    box.fill(str(control["value"] + 41))
    box.press("Enter")


def _draw_again(frame: Locator, control: dict[str, Any]) -> None:
    frame.get_by_role("button", name="Draw again").press("Enter")


def _point_by_key(frame: Locator, control: dict[str, Any]) -> None:
    x = state(frame)[control["name"]][0][0]
    middle = sum(control["x"]) / 2
    frame.locator(".lf-handle").first.press("ArrowRight" if x < middle else "ArrowLeft")


def _point_by_mouse(frame: Locator, control: dict[str, Any]) -> None:
    handle = frame.locator(".lf-handle .lf-knob").first
    handle.scroll_into_view_if_needed()
    box = handle.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    middle = sum(control["x"]) / 2
    mouse = frame.page.mouse
    mouse.move(x, y)
    mouse.down()
    mouse.move(x + (20 if state(frame)[control["name"]][0][0] < middle else -20), y - 7, steps=4)
    mouse.up()


def _add_point(frame: Locator, control: dict[str, Any]) -> None:
    if control["add"]:
        frame.get_by_role("button", name="Add a point").press("Enter")
    else:
        _point_by_key(frame, control)


def _remove_point(frame: Locator, control: dict[str, Any]) -> None:
    handle = frame.locator(".lf-handle").last
    handle.focus()
    handle.press("Delete" if control["add"] else "ArrowUp")


ACTIONS = {
    "slider": [("a key on", _arrow), ("Home or End on", _end_key)],
    "play": [("a key on", _arrow), ("Step", _step), ("Home or End on", _end_key), ("Play", _play)],
    "choice": [("another option of", _other_choice)],
    "toggle": [("Space on", _space), ("Space again on", _space)],
    "seed": [("typing into", _type_seed), ("Draw again", _draw_again)],
    "points": [
        ("an arrow key on a point of", _point_by_key),
        ("dragging a point of", _point_by_mouse),
        ("adding to", _add_point),
        ("removing from", _remove_point),
    ],
}
