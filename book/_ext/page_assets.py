"""The files that an extension's pages load: copied in one way by all of them."""

import shutil
from pathlib import Path


def copy_before_writing(app, source, names, folder="", when=lambda config: True):
    """Copy files of the folder `source` into _static/folder of the HTML.

    Before the pages are written: their links carry the files' checksums.
    when: a function of the configuration that says whether they are wanted.
    """

    def copy(app):
        if app.builder.format == "html" and when(app.config):
            target = Path(app.outdir) / "_static" / folder
            target.mkdir(parents=True, exist_ok=True)
            for name in names:
                shutil.copyfile(source / name, target / name)

    app.connect("builder-inited", copy)
