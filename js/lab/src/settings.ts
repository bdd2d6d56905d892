import type { ISettingRegistry } from '@jupyterlab/settingregistry';
import { Signal } from '@lumino/signaling';

export const SETTINGS_ID = 'nbtrack:sidebar';

/** The settings of the extension, with their defaults until those of the user are read. */
export class Settings {
  readonly changed = new Signal<this, void>(this);
  /** The store to show first, by its path below the server's root. */
  store = '';
  /** The shortest time between two updates of what is shown. */
  refreshSeconds = 1;
  openAtStart = false;
  /** Whether a click on a run shows it, or only a double click does. */
  openOnClick = true;
  palette: 'default' | 'contrast' = 'default';

  /** Follow the user's settings. */
  follow(settings: ISettingRegistry.ISettings): void {
    const read = (): void => {
      const { store, refreshSeconds, openAtStart, openOnClick, palette } = settings.composite;
      if (typeof store === 'string') this.store = store;
      if (typeof refreshSeconds === 'number') this.refreshSeconds = refreshSeconds;
      if (typeof openAtStart === 'boolean') this.openAtStart = openAtStart;
      if (typeof openOnClick === 'boolean') this.openOnClick = openOnClick;
      if (palette === 'default' || palette === 'contrast') this.palette = palette;
      this.changed.emit(undefined);
    };
    settings.changed.connect(read);
    read();
  }
}
