from nbtrack.health.examination import doctor as doctor
from nbtrack.health.examination import examine as examine
from nbtrack.health.finding import Finding as Finding
from nbtrack.health.finding import Level as Level
