"""How `make notebooks` runs a chapter: so that two runs give the same file."""

c = get_config()  # noqa: F821

c.ExecutePreprocessor.timeout = 300
c.ExecutePreprocessor.record_timing = False
c.NbConvertApp.use_output_suffix = False

# Keep the metadata a reader's program needs, drop what names this machine.
c.NotebookExporter.preprocessors = [
    "nbconvert.preprocessors.CoalesceStreamsPreprocessor",
    "nbconvert.preprocessors.ClearMetadataPreprocessor",
]
c.CoalesceStreamsPreprocessor.enabled = True
c.ClearMetadataPreprocessor.enabled = True
c.ClearMetadataPreprocessor.clear_cell_metadata = False
c.ClearMetadataPreprocessor.preserve_nb_metadata_mask = {"kernelspec"}
