import { h } from '@nbtrack/shared/dom';
import { type MenuItem, openMenu } from '@nbtrack/shared/table_popup';
import { icon } from './icons';

/** A button that opens what else can be done. */
export function moreButton(label: string, items: () => readonly (MenuItem | '-')[]): HTMLButtonElement {
  const button = h('button', { type: 'button', class: 'nbt-icon-button more', title: label, 'aria-label': label, 'aria-haspopup': 'menu' }, icon('more'));
  button.addEventListener('click', () => openMenu(button.closest<HTMLElement>('.nbt')!, button, label, items()));
  return button;
}
