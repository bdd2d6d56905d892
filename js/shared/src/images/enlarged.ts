import { h } from '../dom';

export interface Enlarged {
  title: string;
  alt: string;
  /** The address of the image, once it is here. */
  image: Promise<string | null>;
}

/**
 * An image as large as the window lets it be; Escape closes it, the arrows go to the steps beside it.
 *
 * `at` moves by so many steps and returns what stands there; null where there is nothing.
 */
export function enlarge(host: HTMLElement, first: Enlarged, at: (by: number) => Enlarged | null): void {
  const title = h('h4', {}, first.title);
  const image = h('img', { alt: first.alt });
  const close = h('button', { type: 'button', class: 'nbt-link' }, 'Close');
  const step = (by: number, label: string, sign: string): HTMLElement => {
    const button = h('button', { type: 'button', class: 'nbt-enlarged-move', 'aria-label': label, title: label }, sign);
    button.addEventListener('click', () => move(by));
    return button;
  };
  const bar = h('header', {}, title, step(-1, 'Step before', '‹'), step(1, 'Next step', '›'), close);
  const dialog = h('dialog', { class: 'nbt-enlarged', 'aria-label': first.title }, bar, h('div', { class: 'nbt-enlarged-image' }, image));
  let shown = first;
  const show = (what: Enlarged): void => {
    shown = what;
    title.textContent = what.title;
    dialog.setAttribute('aria-label', what.title);
    image.alt = what.alt;
    void what.image
      .catch(() => null)
      .then(url => {
        if (url && shown === what) image.src = url;
      });
  };
  const move = (by: number): void => {
    const next = at(by);
    if (next) show(next);
  };
  image.addEventListener('load', () => image.toggleAttribute('data-few-pixels', Math.max(image.naturalWidth, image.naturalHeight) <= 320));
  close.addEventListener('click', () => dialog.close());
  dialog.addEventListener('click', event => event.target === dialog && dialog.close());
  dialog.addEventListener('keydown', event => {
    const by = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (by === undefined) return;
    event.preventDefault();
    event.stopPropagation();
    move(by);
  });
  dialog.addEventListener('close', () => dialog.remove());
  host.append(dialog);
  show(first);
  dialog.showModal();
}
