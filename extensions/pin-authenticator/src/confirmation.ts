import type { Context } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import type { Peer } from './address.ts'
import type { BrowserBinding } from './browser-binding.ts'
import { confirm, type Entry, type EntryLimits } from './entry.ts'
import type { EntryViews } from './entry-views.ts'
import { handleOf, MAX_FORM_BYTES, type Pages, readForm } from './forms.ts'
import type { PinCheck, Shown } from './pin-check.ts'
import type { Ports } from './ports.ts'
import type { EntryStore } from './store.ts'

/** What the confirmation shares with the page for the PIN. */
interface Shared {
  binding: BrowserBinding
  views: EntryViews
  networkOf(c: Context<{ Bindings: Peer }>): string
  end: PinCheck['endReturn']
}

/**
 * The page that asks, after the right PIN, whether the user started the sign-in. For platforms that cannot forward a return code.
 *
 * Only the browser that entered the PIN sees it. A browser in another network than the one that started is refused, because
 * somebody sent the user here. In the same network it shows where the sign-in started and needs a click.
 */
export function addConfirmation(
  pages: Pages,
  { store, limits, ports }: { store: EntryStore; limits: EntryLimits; ports: Pick<Ports, 'now'> },
  { binding, views, networkOf, end }: Shared,
): void {
  const findEntry = async (c: Context) => {
    const confirmHandle = handleOf(c)
    return confirmHandle === undefined ? undefined : store.findEntry({ confirmHandle })
  }
  const isWaiting = (entry: Entry) => entry.status === 'SUCCESS' && ports.now() < entry.expiresAt
  const show = (c: Context, shown: Shown) => (shown.page === 'unknown' ? views.unknown(c) : views.entry(c, shown.entry))
  const isElsewhere = ({ startedFrom = '' }: Entry, network: string) =>
    startedFrom !== '' && network !== '' && startedFrom !== network

  pages.get('/confirm', async c => {
    if (c.req.method !== 'GET') return c.body(null, 405, { allow: 'GET, POST' })
    const entry = await findEntry(c)
    if (!entry) return views.unknown(c)
    if (!binding.isBound(c, entry)) return views.otherBrowser(c)
    if (!isWaiting(entry)) return views.entry(c, entry)
    const network = networkOf(c)
    if (isElsewhere(entry, network)) return show(c, await end(entry, 'return_refused'))
    return views.confirmation(c, entry, network)
  })

  const forged = (c: Context) => views.forged(c, undefined)
  pages.post('/confirm', bodyLimit({ maxSize: MAX_FORM_BYTES, onError: c => forged(c as Context) }), async c => {
    const entry = await findEntry(c)
    if (!entry) return views.unknown(c)
    const form = await readForm(c)
    if (!form || !binding.isBound(c, entry) || !binding.isToken(c, entry, 'confirm', form.token)) return forged(c)
    if (!isWaiting(entry)) return views.entry(c, entry)
    if (form.isCancelled) return show(c, await end(entry, 'pin_cancelled'))
    if (isElsewhere(entry, networkOf(c))) return show(c, await end(entry, 'return_refused'))
    const confirmed = confirm(entry, ports.now(), limits)
    const isOurs = await store.swapEntry(entry, confirmed)
    return views.entry(c, isOurs ? confirmed : ((await store.findEntry(entry)) ?? entry))
  })
}
