"""What Keras's layers do: padding, masks, counts."""

SUBJECTS = ()
