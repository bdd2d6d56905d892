import { offerServer } from '@nbtrack/shared/backend';
import { PlainHost } from '@nbtrack/shared/plain_host';
import { servedStores } from '@nbtrack/shared/served_stores';
import { NbtrackServer } from '@nbtrack/shared/server';
import { StoreWatcher } from '@nbtrack/shared/watcher';
import { Shell } from './shell';
import { StoreEvents } from './store_events';
import { followSystem } from './theme';

const base = new URL('./', location.href.split(/[?#]/)[0]).href;
const server = new NbtrackServer({ baseUrl: base, name: 'The server', request: (url, init) => fetch(url, { ...init, credentials: 'same-origin' }) });
const watcher: StoreWatcher = new StoreWatcher(new StoreEvents(`${base}nbtrack/events`, () => watcher.check()), (store, seconds) => server.watch(store, seconds));
const stores = servedStores(server, watcher, new PlainHost(document.body));

followSystem();
offerServer(stores.backend);
void new Shell(document.getElementById('page')!, stores).start();
