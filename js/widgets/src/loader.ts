import type { AnyModel, RenderProps } from '@anywidget/types';
import { KERNEL_GONE, NOT_SHOWN } from '@nbtrack/shared/protocol';
import type { ViewTraits } from '@nbtrack/shared/view_data';
import { bundleModel } from './bundle_model';
import { sent } from './send';

type Entry = { render(props: RenderProps<ViewTraits>): (() => void) | Promise<() => void> };
type Views = Record<string, Entry>;
type Page = typeof globalThis & Record<symbol, Promise<Views> | undefined>;

/**
 * What every widget carries: it finds the code of all views, which is on the page once.
 *
 * The kernel sends the code once, as a model of its own; the first widget of a page evaluates it. It is
 * taken out of the model then, so that no notebook that saves the state of its widgets saves the code.
 */
async function render(props: RenderProps<ViewTraits>): Promise<() => void> {
  const { model, el } = props;
  try {
    const entry = (await viewsOf(model))[model.get('entry')];
    if (!entry) throw new Error(`there is no view ${model.get('entry')}`);
    return await entry.render(props);
  } catch (error) {
    // the extension of JupyterLab knows these words, and shows what was saved
    el.textContent = `${NOT_SHOWN}: ${error instanceof Error ? error.message : String(error)}`;
    return () => undefined;
  }
}

async function viewsOf(model: AnyModel<ViewTraits>): Promise<Views> {
  const bundle = await bundleModel(model);
  // a front end keeps its models when the kernel is restarted, and would show what nobody answers for
  if (bundle?.comm_live === false) throw new Error(KERNEL_GONE);
  const page = globalThis as Page;
  const key = Symbol.for(`nbtrack.views@${model.get('bundle_hash')}`);
  const loading = (page[key] ??= load(model));
  // after an error, the next widget may have more luck
  loading.catch(() => delete page[key]);
  const views = await loading;
  bundle?.set('code', '');
  return views;
}

async function load(model: AnyModel<ViewTraits>): Promise<Views> {
  const code = (await bundleModel(model))?.get('code') || (await askForCode(model));
  const url = URL.createObjectURL(new Blob([code], { type: 'text/javascript' }));
  try {
    return ((await import(url)) as { views: Views }).views;
  } finally {
    URL.revokeObjectURL(url);
  }
}

/** Where front ends keep no models, or the model has lost its code: the kernel sends it again. */
function askForCode(model: AnyModel<ViewTraits>): Promise<string> {
  return new Promise((resolve, reject) => {
    const onMessage = (message: { type: string }, buffers: DataView[]): void => {
      if (message?.type !== 'bundle') return;
      model.off('msg:custom', onMessage);
      resolve(new TextDecoder().decode(buffers[0]));
    };
    model.on('msg:custom', onMessage);
    if (!sent(model, { type: 'bundle' })) reject(new Error(KERNEL_GONE));
  });
}

export default { render };
