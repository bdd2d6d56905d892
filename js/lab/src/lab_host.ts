import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import { PageConfig } from '@jupyterlab/coreutils';
import type { INotebookTracker } from '@jupyterlab/notebook';
import type { IRenderMimeRegistry } from '@jupyterlab/rendermime';
import { Widget } from '@lumino/widgets';
import type { AppHost, NotifyOptions, Tone } from '@nbtrack/shared/app_host';
import type { Highlighter } from '@nbtrack/shared/details/highlighter';
import { h } from '@nbtrack/shared/dom';
import { LabHighlighter } from './highlighter';
import { insertCells } from './notebook_cells';

/** The body of a dialog: fields with labels, and their value. */
class Fields<T> extends Widget implements Dialog.IBodyWidget<T> {
  constructor(
    fields: HTMLElement[],
    private readonly value: () => T
  ) {
    super({ node: h('div', { class: 'nbt-dialog' }, ...fields) });
  }

  getValue(): T {
    return this.value();
  }
}

/** JupyterLab as the page that our views stand in. */
export class LabHost implements AppHost {
  constructor(
    private readonly app: JupyterFrontEnd,
    private readonly rendermime: IRenderMimeRegistry,
    private readonly notebooks: INotebookTracker | null
  ) {}

  notify(tone: Tone, text: string, { ms, undo }: NotifyOptions = {}): void {
    const actions = undo ? [{ label: 'Undo', callback: () => void undo() }] : [];
    Notification[tone](text, { ...(ms === undefined ? {} : { autoClose: ms }), actions });
  }

  async prompt<T>(title: string, fields: HTMLElement[], value: () => T, label: string): Promise<T | null> {
    const buttons = [Dialog.cancelButton(), Dialog.okButton({ label })];
    const body = new Fields(fields, value);
    for (const field of body.node.querySelectorAll('input:not([type=checkbox]), textarea, select')) field.classList.add('jp-mod-styled');
    const { button, value: given } = await showDialog({ title, body, buttons, focusNodeSelector: 'textarea, select, input:not([readonly])' });
    return button.accept ? given : null;
  }

  async confirm(title: string, body: string, label: string): Promise<boolean> {
    const buttons = [Dialog.cancelButton(), Dialog.warnButton({ label })];
    return (await showDialog({ title, body, buttons })).button.accept;
  }

  readonly insert = (sources: readonly string[]): Promise<void> => insertCells(this.app, this.notebooks, sources);

  opensFile(folder: string, path: string): (() => void) | null {
    const root = PageConfig.getOption('serverRoot').replace(/\/$/, '');
    const full = `${folder}/${path}`;
    if (!root || !full.startsWith(`${root}/`) || !this.app.commands.hasCommand('docmanager:open')) return null;
    return () => void this.app.commands.execute('docmanager:open', { path: full.slice(root.length + 1) });
  }

  highlighter(): Highlighter {
    return new LabHighlighter(this.rendermime);
  }
}
