"""Runs the example's notebook in a kernel, as `jupyter execute` does, but for the cell that exports: its end does."""

import os
from pathlib import Path

import nbformat
from nbclient import NotebookClient

notebook = nbformat.read(Path(os.environ["EXAMPLES"], "notebook.ipynb"), as_version=4)
assert "force_flush" in notebook.cells.pop().source
NotebookClient(notebook, kernel_name="python3").execute()
