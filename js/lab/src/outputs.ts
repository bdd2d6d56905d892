import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { VIEW_MIME } from '@nbtrack/shared/protocol';
import { type Place, ViewRenderer } from './renderer';

/** Before the widget view (-10), so that an output of nbtrack is ours to show. */
const RANK = -20;

/** Show the outputs of nbtrack, in all notebooks and wherever else outputs are. */
export function bindOutputs(rendermime: IRenderMimeRegistry, notebooks: INotebookTracker | null): void {
  register({ rendermime, ready: Promise.resolve(), idle: () => new Promise(() => undefined) });
  const bind = (panel: NotebookPanel): void =>
    register({
      rendermime: panel.content.rendermime,
      ready: panel.sessionContext.ready,
      idle: () => nextIdle(panel.sessionContext)
    });
  notebooks?.forEach(bind);
  notebooks?.widgetAdded.connect((_, panel) => bind(panel));
}

function register(place: Place): void {
  place.rendermime.addFactory(
    { safe: true, mimeTypes: [VIEW_MIME], createRenderer: () => new ViewRenderer(place) },
    RANK
  );
}

function nextIdle(context: NotebookPanel['sessionContext']): Promise<void> {
  return new Promise(resolve => {
    const look = (): void => {
      if (context.session?.kernel?.status !== 'idle') return;
      context.statusChanged.disconnect(look);
      resolve();
    };
    context.statusChanged.connect(look);
  });
}
