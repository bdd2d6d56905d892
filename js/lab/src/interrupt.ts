import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';

const KEY = Symbol.for('nbtrack.interrupt');
type Page = typeof globalThis & { [KEY]?: (element: HTMLElement) => Promise<void> };

/** Let a card's Stop button interrupt the kernel of the notebook that the card is in. */
export function offerInterrupt(notebooks: INotebookTracker): void {
  (globalThis as Page)[KEY] = async element => {
    let found: NotebookPanel | undefined;
    notebooks.forEach(panel => {
      if (panel.node.contains(element)) found = panel;
    });
    const kernel = found?.sessionContext.session?.kernel;
    if (!kernel) throw new Error('There is no kernel to interrupt.');
    await kernel.interrupt();
  };
}
