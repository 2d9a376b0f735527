"""An autograder for nbgrader courses: split execution in a sandbox.

It knows nothing about what a course teaches. `python -m autograder` lists its
commands; the modules say in their first lines what they are for.
"""
