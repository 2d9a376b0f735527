"""Both directions: sequences turned round within their lengths, and their summaries."""

SUBJECTS = ()
