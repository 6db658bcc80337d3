"""A live figure in JupyterLab: computed in the browser, or by Python where that cannot be."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request

import nbformat
import pytest

from tests.site import drive
from tests.site.pages import ROOT
from tools import vendor

BY_PYTHON = "wasm.is_built = lambda: False"
IN_BROWSER = """code = pathlib.Path({code!r})
wasm.is_built = lambda: True
wasm.module = lambda: (code / "kernels.wasm").read_bytes()
wasm.manifest = lambda: json.loads((code / "kernels.json").read_text())"""
SHOW = """import json, pathlib, sys
sys.path.insert(0, {root!r})
from labcore.live import wasm
from tests.live.gallery import figures
{setting}
figure = figures()["smoother"]
live = figure.widget()
live.lengthscale = 1.0
live"""


@pytest.fixture(scope="module")
def lab(tmp_path_factory):
    """A JupyterLab server on an empty folder; gives the folder and the address."""
    vendor.main()
    folder = tmp_path_factory.mktemp("lab")
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--allow-root"]
    command += [f"--port={port}", "--IdentityProvider.token=", f"--notebook-dir={folder}"]
    command += ["--LabApp.news_url=", "--ServerApp.log_level=ERROR"]
    environment = {**os.environ, "JUPYTER_CONFIG_DIR": str(folder / ".jupyter")}
    server = subprocess.Popen(
        command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment
    )
    address = f"http://127.0.0.1:{port}"
    try:
        for _ in range(120):
            try:
                urllib.request.urlopen(f"{address}/api").close()
                break
            except OSError:
                time.sleep(0.5)
        yield folder, address
    finally:
        server.send_signal(signal.SIGINT)
        server.send_signal(signal.SIGINT)  # the second one is not asked to be confirmed
        try:
            server.wait(10)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


@pytest.mark.parametrize("engine", ["browser", "python"])
def test_a_figure_lives_in_jupyterlab(browser, lab, gallery_page, engine):
    folder, address = lab
    setting = IN_BROWSER.format(code=str(gallery_page.parent / "code"))
    source = SHOW.format(root=str(ROOT), setting=setting if engine == "browser" else BY_PYTHON)
    echo = "print(json.dumps([live.lengthscale, live.data]))"
    cells = [nbformat.v4.new_code_cell(text) for text in (source, echo)]
    kernel = {"name": "python3", "display_name": "Python 3"}
    notebook = nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
    nbformat.write(notebook, folder / f"{engine}.ipynb")

    context = browser.new_context(viewport={"width": 1280, "height": 1300})
    try:
        tab = context.new_page()
        faults = []
        tab.on("pageerror", lambda error: faults.append(str(error)))
        tab.goto(f"{address}/lab/tree/{engine}.ipynb?reset")
        tab.locator(".jp-Notebook .jp-Cell").first.click(timeout=60_000)
        tab.get_by_role("menuitem", name="Run", exact=True).click()
        tab.get_by_text("Run All Cells", exact=True).click()
        figure = tab.locator(".lf")
        tab.locator(".lf[data-state=ready]").wait_for(timeout=60_000)
        number = figure.locator(".lf-numbers dd")
        expected = from_python()

        # What Python has set, the figure shows; its numbers are Python's.
        assert number.text_content() == expected(lengthscale=1.0)
        # The arrow keys belong to the slider, not to the notebook.
        slider = figure.get_by_label("lengthscale ℓ")
        slider.press("ArrowRight")
        handle = figure.locator(".lf-handle").first
        handle.press("ArrowRight")
        drive_settle(tab, figure)
        # What the reader has set, Python knows.
        second = tab.locator(".jp-Notebook .jp-CodeCell").nth(1)
        second.locator(".jp-Editor").click()
        tab.keyboard.press("Shift+Enter")
        moved = "-1.95"
        output = second.locator(".jp-OutputArea-output", has_text=moved)
        output.wait_for(timeout=30_000)
        lengthscale, data = json.loads(output.text_content())
        assert lengthscale > 1.0
        assert number.text_content() == expected(lengthscale=lengthscale, data=data)
        assert faults == []
    finally:
        context.close()


def from_python():
    """The number that the figure should show in a state."""
    from tests.live import gallery

    figure = gallery.figures()["smoother"]
    return lambda **state: figure.evaluate(**state).numbers()[0].replace("-", "−")


def drive_settle(tab, figure):
    """Until the figure has drawn what its controls say."""
    tab.wait_for_function(
        "(node) => node.dataset.state === 'ready'",
        arg=figure.element_handle(),
        timeout=drive.PATIENCE,
    )
    tab.wait_for_timeout(300)
