from nbtrack.interop.import_export import export_to as export_to
from nbtrack.interop.import_export import import_from as import_from
from nbtrack.interop.report import ExportReport as ExportReport
from nbtrack.interop.report import ImportReport as ImportReport
