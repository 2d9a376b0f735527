"""What holds for the repository as a whole."""

import re
import subprocess


def tracked(root):
    """The files git tracks."""
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=root, capture_output=True, text=True, check=True
    )
    return [root / name for name in listed.stdout.split("\0") if name]


def test_no_file_is_over_two_megabytes(root):
    """A clone stays quick, and a page stays light on a phone."""
    heavy = [path.name for path in tracked(root) if path.stat().st_size > 2_000_000]
    assert tracked(root) and not heavy


def test_the_code_in_the_readme_runs(root, capsys):
    """Both examples print what their comments say."""
    code = re.findall(r"```python\n(.*?)```", (root / "README.md").read_text(), re.S)
    exec("\n".join(code), {})
    largest_error, score = map(float, capsys.readouterr().out.split())
    assert largest_error < 1e-8 and score == 1.0
