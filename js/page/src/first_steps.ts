import { h } from '@nbtrack/shared/dom';

const CODE = `import nbtrack

with nbtrack.start_run():
    nbtrack.log_param("lr", 0.001)
    for step in range(100):
        nbtrack.log_metric("loss", 1 / (step + 1), step=step)`;

/** What to do where there are no runs yet; `place` is where, if there is no store yet either. */
export function firstSteps(place = ''): HTMLElement {
  const server = location.origin + location.pathname.replace(/\/$/, '');
  return h(
    'div',
    { class: 'first nbt-teach' },
    h('h1', {}, 'No runs yet'),
    h('p', {}, `A few lines in a notebook or a script${place} make the first one. It shows up here while it runs.`),
    h('pre', { tabindex: 0, 'aria-label': 'The code of a first run' }, CODE),
    h('p', {}, 'Programs that log with MLflow can log here, too: set '),
    h('pre', { tabindex: 0, 'aria-label': 'Setting for MLflow' }, `MLFLOW_TRACKING_URI=${server}`)
  );
}
