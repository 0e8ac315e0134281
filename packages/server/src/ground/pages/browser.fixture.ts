import assert from 'node:assert/strict'

/** The parts of a browser that a sign-in needs: cookies by path, redirects within the server, forms without scripts. */
export interface Browser {
  /** Follows redirects to a page, or to an address outside the server. */
  open(url: string): Promise<Page>
  /** Sends one request without following redirects, like a browser whose user leaves. */
  openOnce(url: string): Promise<Page>
  /** Fills in the form of a page and submits it. */
  submit(page: Page, fields: Record<string, string>): Promise<Page>
  /** Deletes the cookies with these names. */
  forget(names: RegExp): void
}

/** The page where the browser stops. */
export interface Page {
  url: string
  /** 0 if the address is outside the server and was not opened. */
  status: number
  headers: Headers
  html: string
}

const MAX_HOPS = 12

/**
 * @param origin The origin of the server. Other addresses are not opened.
 * @param headers Sent with every request, like a proxy does.
 */
export function openBrowser(origin: string, headers: Record<string, string> = {}): Browser {
  const jar: { name: string; value: string; path: string }[] = []

  async function visit(url: string, init: RequestInit = {}, hops = 0, maxHops = MAX_HOPS): Promise<Page> {
    assert(hops < MAX_HOPS, `too many redirects, the last to ${url}`)
    const { origin: target, pathname } = new URL(url)
    if (target !== origin) return { url, status: 0, headers: new Headers(), html: '' }
    const cookie = jar
      .filter(({ path }) => pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`))
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ')
    const response = await fetch(url, { ...init, redirect: 'manual', headers: { ...headers, cookie } })
    for (const text of response.headers.getSetCookie()) {
      const [pair = '', ...attributes] = text.split(/;\s*/)
      const [name = '', value = ''] = pair.split(/=(.*)/s)
      const path = attributes.find(attribute => /^path=/i.test(attribute))?.slice(5) ?? '/'
      const known = jar.findIndex(entry => entry.name === name && entry.path === path)
      if (known >= 0) jar.splice(known, 1)
      if (value !== '') jar.push({ name, value, path })
    }
    const location = response.headers.get('location')
    if (location && response.status >= 300 && response.status < 400 && hops < maxHops) {
      await response.body?.cancel()
      return visit(new URL(location, url).href, {}, hops + 1)
    }
    return { url, status: response.status, headers: response.headers, html: await response.text() }
  }

  return {
    open: url => visit(url),
    openOnce: url => visit(url, {}, 0, 0),
    forget(names) {
      jar.splice(0, jar.length, ...jar.filter(({ name }) => !names.test(name)))
    },
    submit(page, fields) {
      const action = /<form[^>]* action="([^"]*)"/.exec(page.html)?.[1] ?? page.url
      // Hidden inputs, and other inputs with a value.
      const inputs = [...page.html.matchAll(/<input[^>]* name="([^"]*)"[^>]* value="([^"]*)"/g)]
      const form = new URLSearchParams(inputs.map(([, name = '', value = '']) => [name, value]))
      for (const [name, value] of Object.entries(fields)) form.set(name, value)
      return visit(new URL(action, page.url).href, { method: 'POST', body: form })
    },
  }
}

/** Signs the user in for an authorization request and returns the final address of the browser. */
export async function authorize(
  world: { base: string; server: { address: string } },
  request: { clientId: string; userName: string; password?: string; parameters: Record<string, string> },
): Promise<URL> {
  const { clientId, parameters, password = 'correct horse', userName } = request
  const browser = openBrowser(world.server.address)
  const query = new URLSearchParams({
    client_id: clientId,
    redirect_uri: CALLBACK,
    response_type: 'code',
    ...parameters,
  })
  const signIn = await browser.open(`${world.base}/oauth2/authorize?${query}`)
  if (signIn.status !== 200) return new URL(signIn.url)
  const landing = await browser.submit(signIn, { username: userName, password, step: 'sign-in' })
  assert.equal(landing.status, 0, landing.html)
  return new URL(landing.url)
}

/** The callback of the tests' applications. No server listens there, and the browser does not open it. */
export const CALLBACK = 'http://127.0.0.1:65535/callback'
