import { FINISHED_EVENT, type FinishedOutput, NOT_SHOWN, VIEW_MIME } from '@nbtrack/shared/protocol';
import type { FinishedView } from '@nbtrack/shared/view_data';
import { type IRenderMimeRegistry, MimeModel } from '@jupyterlab/rendermime';
import type { IRenderMime } from '@jupyterlab/rendermime-interfaces';
import { Panel, Widget } from '@lumino/widgets';

const WIDGET_MIME = 'application/vnd.jupyter.widget-view+json';
/** How long a live widget may take before the saved data is shown in its place. */
const PATIENCE_MS = 400;

/**
 * How long each try for a live widget waits. The widget manager of a notebook is made some time after its
 * session is ready, and a renderer made before that never hears of it; so the next try makes a new one.
 * After these, there is a try whenever the kernel comes to rest: while it is busy it tells of no widgets.
 */
const TRIES_MS = [150, 400, 1000, 3000, 10000];
/** How often the widget of a run that was going on may be missing before it is given up. */
const MISSING = 3;

/** What a live view says in its own place when there is none: the widget manager's words, and our loader's. */
const FAILED = new RegExp(`^(Error displaying widget|${NOT_SHOWN})`);

/** Where an output stands: the notebook's renderers, when its kernel is known, and when that rests next. */
export interface Place {
  rendermime: IRenderMimeRegistry;
  ready: Promise<unknown>;
  idle(): Promise<unknown>;
}

/**
 * Shows an output of nbtrack: as its live widget while its kernel has the model, else from the data
 * saved with it, else as the picture or the text that every output carries.
 */
export class ViewRenderer extends Panel implements IRenderMime.IRenderer {
  private turn = 0;
  private takeAway: () => void = () => undefined;
  private model: IRenderMime.IMimeModel | undefined;

  constructor(private readonly place: Place) {
    super();
    this.addClass('nbtrack-output');
    this.node.addEventListener(FINISHED_EVENT, this.onFinished);
  }

  async renderModel(model: IRenderMime.IMimeModel): Promise<void> {
    const turn = ++this.turn;
    this.model = model;
    this.clear();
    // saved widget state may hold code, so what nobody trusted is shown from its data alone
    if (!(WIDGET_MIME in model.data) || !model.trusted) return this.showSaved(model, turn);
    const live = this.tryLive(model, turn);
    const patience = new Promise<'slow'>(resolve => setTimeout(() => resolve('slow'), PATIENCE_MS));
    if ((await Promise.race([live, patience])) === true) return;
    // the saved view stands in while the live one may still come
    if (turn === this.turn && this.node.dataset['mode'] !== 'live') await this.showSaved(model, turn);
  }

  override dispose(): void {
    this.turn++;
    this.node.removeEventListener(FINISHED_EVENT, this.onFinished);
    this.takeAway();
    super.dispose();
  }

  /** Put the finished output in the place of the live one, in the notebook too. */
  private readonly onFinished = (event: Event): void => {
    const { data, metadata } = (event as CustomEvent<FinishedOutput>).detail;
    if (!(VIEW_MIME in data) || WIDGET_MIME in data) return;
    this.model?.setData({ data, metadata } as IRenderMime.IMimeModel.ISetDataOptions);
  };

  private clear(): void {
    this.takeAway();
    this.takeAway = () => undefined;
    for (const child of [...this.widgets]) child.dispose();
    delete this.node.dataset['mode'];
  }

  /** Show the live widget. Resolves to whether there is one; it may become alive long after. */
  private async tryLive(model: IRenderMime.IMimeModel, turn: number): Promise<boolean> {
    await this.place.ready;
    const saved = model.data[VIEW_MIME] as unknown as FinishedView;
    const goesOn = saved.kind === 'card' && saved.head?.state === 'RUNNING';
    let missing = 0;
    for (let i = 0; turn === this.turn; i++) {
      const wait = TRIES_MS[i];
      if (wait === undefined || missing > 0) await this.place.idle();
      const outcome = await this.tryOnce(model, turn, wait ?? TRIES_MS.at(-1)!);
      if (outcome === 'live') return true;
      if (outcome === 'dead' && (!goesOn || ++missing === MISSING)) return false;
    }
    return false;
  }

  private tryOnce(model: IRenderMime.IMimeModel, turn: number, wait: number): Promise<'live' | 'dead' | 'loading'> {
    if (turn !== this.turn) return Promise.resolve('dead');
    const live = this.place.rendermime.createRenderer(WIDGET_MIME);
    live.hide();
    this.addWidget(live);
    return new Promise(resolve => {
      const end = (outcome: 'live' | 'dead' | 'loading'): void => {
        observer.disconnect();
        clearTimeout(timer);
        if (outcome !== 'live') live.dispose();
        resolve(outcome);
      };
      const look = (): void => {
        if (turn !== this.turn || live.isDisposed) end('dead');
        else if (FAILED.test(live.node.textContent ?? '')) end('dead');
        else if (live instanceof Panel && live.node.querySelector('.nbt')) {
          this.reveal(live);
          end('live');
        }
      };
      const observer = new MutationObserver(look);
      const timer = setTimeout(() => end('loading'), wait);
      observer.observe(live.node, { childList: true, subtree: true, characterData: true });
      live.renderModel(model).then(look, () => end('dead'));
    });
  }

  private reveal(live: Widget): void {
    this.takeAway();
    this.takeAway = () => undefined;
    for (const child of [...this.widgets]) if (child !== live) child.dispose();
    live.show();
    this.node.dataset['mode'] = 'live';
  }

  private async showSaved(model: IRenderMime.IMimeModel, turn: number): Promise<void> {
    const host = new Widget();
    this.addWidget(host);
    const gone = (): boolean => turn !== this.turn || host.isDisposed;
    const pictures: Widget[] = [];
    const showPicture = (): void => {
      if (!gone() && pictures.length === 0) pictures.push(...this.showPlain(model));
    };
    // a view that asks a server for what it lacks may take its time, and may not get it
    const slow = setTimeout(showPicture, PATIENCE_MS);
    let takeAway: (() => void) | null = null;
    try {
      const { showFinished } = await import('./finished');
      takeAway = await showFinished(host.node, model.data[VIEW_MIME] as unknown as FinishedView);
    } catch (error) {
      console.error('nbtrack: the saved data of an output could not be shown', error);
    }
    clearTimeout(slow);
    if (gone()) takeAway?.();
    else if (takeAway) {
      for (const picture of pictures) picture.dispose();
      this.takeAway = takeAway;
      this.node.dataset['mode'] = 'saved';
    } else {
      showPicture();
      host.dispose();
    }
  }

  /** The picture or the text, as any other front end would show it. */
  private showPlain(model: IRenderMime.IMimeModel): Widget[] {
    const data = { ...model.data };
    delete data[VIEW_MIME];
    delete data[WIDGET_MIME];
    const { rendermime } = this.place;
    const mime = rendermime.preferredMimeType(data, model.trusted ? 'any' : 'ensure');
    if (!mime) return [];
    const renderer = rendermime.createRenderer(mime);
    this.addWidget(renderer);
    this.node.dataset['mode'] = 'plain';
    const metadata = model.metadata;
    void renderer.renderModel(new MimeModel({ data, trusted: model.trusted, metadata }));
    return [renderer];
  }
}
