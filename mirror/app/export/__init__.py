"""`oomirror catalog export`: the tables of the catalog as files that other programs read."""

from mirror.app.export.files import ExportFormat
from mirror.app.export.run import ExportRequest, export

__all__ = ["ExportFormat", "ExportRequest", "export"]
