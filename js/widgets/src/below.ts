import { RunActions } from '@nbtrack/shared/actions/run_actions';
import type { Stores } from '@nbtrack/shared/app_host';
import { ComparisonView } from '@nbtrack/shared/comparison';
import { RunDetails } from '@nbtrack/shared/details/run_details';
import { h, viewRoot } from '@nbtrack/shared/dom';
import { rememberFocus } from '@nbtrack/shared/kept_focus';
import { pageOpener } from '@nbtrack/shared/opener';
import { PlainHost } from '@nbtrack/shared/plain_host';
import details from '@nbtrack/shared/style_details.css';
import models from '@nbtrack/shared/style_models.css';
import plain from '@nbtrack/shared/style_plain.css';
import { followTheme } from '@nbtrack/shared/theme';
import type { CommBackend } from './comm_backend';

interface Shown {
  refresh(): unknown;
  dispose(): void;
  focus?(): void;
}

/**
 * Opens runs of a table in a notebook: in a tab of JupyterLab, where its server knows the store, else below
 * the table.
 */
export class Below {
  private readonly place = h('section', { class: 'nbt-below', hidden: true });
  private readonly stores: Stores;
  private readonly stopTheme: () => void;
  private shown: Shown | null = null;
  private turn = 0;
  /** What had the focus when a run was opened. */
  private back: () => HTMLElement | null = () => null;

  constructor(
    el: HTMLElement,
    private readonly backend: CommBackend,
    private readonly storeId: string,
    changed: () => void
  ) {
    const root = viewRoot(el, 'beside');
    root.append(h('style', {}, [details, models, plain].join('\n')), this.place);
    this.place.addEventListener('keydown', event => {
      if (event.key !== 'Escape' || event.defaultPrevented) return;
      event.preventDefault();
      event.stopPropagation(); // the notebook would take the focus to its cell
      this.close(true);
    });
    this.stopTheme = followTheme(root, () => undefined);
    this.stores = {
      appHost: new PlainHost(root),
      backend: () => backend,
      changed,
      fileAddress: () => null
    };
  }

  readonly openRun = async (runId: string): Promise<void> => {
    const opener = await this.opener(runId);
    if (opener) return opener.run(this.storeId, runId);
    this.show('Run', host => {
      const { stores: nbtrack, storeId } = this;
      const made = new RunDetails(host, {
        nbtrack,
        storeId,
        runId,
        actions: new RunActions(nbtrack, storeId),
        tab: '',
        open: other => void this.openRun(other),
        openModel: () => nbtrack.appHost.notify('info', 'Models are shown in the sidebar of JupyterLab, and by nbtrack ui.'),
        openTable: () => this.close(true),
        onRun: run => this.place.setAttribute('aria-label', `Run ${run.name}`),
        onTab: () => undefined
      });
      void made.refresh();
      return made;
    });
  };

  readonly compare = async (runIds: string[]): Promise<void> => {
    const opener = await this.opener(runIds[0]!);
    if (opener) return opener.compare(this.storeId, runIds);
    this.show('Comparison', host => {
      const { backend } = this;
      return new ComparisonView(host, { backend, experimentIds: null, runIds, selected: runIds, editable: false, onOpen: id => void this.openRun(id) });
    });
  };

  refresh(): void {
    this.shown?.refresh();
  }

  dispose(): void {
    this.close();
    this.stopTheme();
    this.place.remove();
  }

  /** What opens runs in the page; its server has to know the store, which a request shows. */
  private async opener(runId: string): Promise<ReturnType<typeof pageOpener>> {
    const turn = ++this.turn;
    if (!this.shown) this.back = rememberFocus();
    const opener = pageOpener();
    if (!opener) return null;
    await this.backend.ask('run.found', { run_id: runId }).catch(() => null);
    return this.backend.isServed && turn === this.turn ? opener : null;
  }

  private show(label: string, make: (host: HTMLElement) => Shown): void {
    this.close();
    const close = h('button', { type: 'button', class: 'nbt-lab-button' }, 'Close');
    close.addEventListener('click', () => this.close(true));
    const host = h('div', { class: 'nbt-page' });
    this.place.setAttribute('aria-label', label);
    this.place.replaceChildren(h('div', { class: 'nbt-below-bar' }, close), host);
    this.place.hidden = false;
    this.shown = make(host);
    this.place.scrollIntoView({ block: 'nearest' });
    close.focus();
  }

  private close(focus = false): void {
    this.shown?.dispose();
    this.shown = null;
    this.place.hidden = true;
    this.place.replaceChildren();
    if (focus) this.back()?.focus();
  }
}
