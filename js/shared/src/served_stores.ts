import type { AppHost, Stores } from './app_host';
import { HttpBackend } from './http_backend';
import type { NbtrackServer } from './server';
import type { StoreWatcher } from './watcher';

/** The stores that a server has. */
export interface ServedStores extends Stores {
  readonly server: NbtrackServer;
  readonly watcher: StoreWatcher;
}

export function servedStores(server: NbtrackServer, watcher: StoreWatcher, appHost: AppHost): ServedStores {
  return {
    server,
    watcher,
    appHost,
    backend: storeId => new HttpBackend(server, storeId),
    changed: storeId => watcher.notify(storeId),
    fileAddress: (store, run_id) => path => server.address(['artifact'], { store, run_id, path })
  };
}
