import type { AnyModel } from '@anywidget/types';

/** Send a message to the kernel. Returns false where there is nobody any more: its kernel was restarted. */
export function sent<S extends object>(model: AnyModel<S>, message: object): boolean {
  try {
    model.send(message);
    return true;
  } catch {
    return false;
  }
}
