import { messageOf } from '../dom';
import { StoreActions } from './store_actions';

/** What is done with code: it goes into a notebook, where there is one, or into the clipboard. */
export class CodeActions extends StoreActions {
  /** Whether there is a notebook that cells can be inserted into. */
  get inserts(): boolean {
    return this.nbtrack.appHost.insert !== null;
  }

  async copy(text: string, said: string): Promise<void> {
    try {
      await navigator.clipboard.writeText(text);
      this.nbtrack.appHost.notify('success', said, { ms: 3000 });
    } catch {
      this.nbtrack.appHost.notify('error', 'The browser does not allow to copy here. It may need https, or your permission.');
    }
  }

  protected async insert(sources: string[]): Promise<void> {
    try {
      await this.nbtrack.appHost.insert?.(sources);
    } catch (error) {
      this.nbtrack.appHost.notify('error', messageOf(error));
    }
  }
}
