import { h } from '../dom';
import type { Badge } from '../requests';

let badges = 0;

/** A badge that says what it means when the pointer or the keyboard is on it; Escape takes that away. */
export function badgeElement({ text, kind, detail }: Badge): HTMLElement {
  if (!detail) return h('span', { class: 'nbt-badge', 'data-kind': kind }, text);
  const id = `nbt-badge-${++badges}`;
  const tip = h('span', { class: 'nbt-tip', role: 'tooltip', id }, detail);
  const badge = h('span', { class: 'nbt-badge', 'data-kind': kind, role: 'note', tabindex: 0, 'aria-describedby': id }, text, tip);
  const open = (shown: boolean) => (): void => void badge.toggleAttribute('data-open', shown);
  for (const type of ['pointerenter', 'focus'] as const) badge.addEventListener(type, open(true));
  for (const type of ['pointerleave', 'blur'] as const) badge.addEventListener(type, open(false));
  badge.addEventListener('keydown', event => {
    if (event.key !== 'Escape') return;
    event.stopPropagation();
    open(false)();
  });
  return badge;
}
