import assert from 'node:assert/strict'

/** As much of a browser as signing in needs: cookies by path, redirects within the server, forms without scripts. */
export interface Browser {
  /** Follows redirects until there is a page, or an address outside the server. */
  open(url: string): Promise<Page>
  /** Fills in the form of a page and sends it. */
  submit(page: Page, fields: Record<string, string>): Promise<Page>
}

export interface Page {
  url: string
  /** 0 when the address is outside the server and was not opened. */
  status: number
  html: string
}

const MAX_HOPS = 12

export function openBrowser(origin: string): Browser {
  let jar: { name: string; value: string; path: string }[] = []

  async function visit(url: string, init: RequestInit = {}, hops = 0): Promise<Page> {
    assert(hops < MAX_HOPS, `too many redirects, the last to ${url}`)
    const { origin: target, pathname } = new URL(url)
    if (target !== origin) return { url, status: 0, html: '' }
    const cookie = jar
      .filter(({ path }) => pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`))
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ')
    const response = await fetch(url, { ...init, redirect: 'manual', headers: { cookie } })
    for (const text of response.headers.getSetCookie()) {
      const [pair = '', ...attributes] = text.split(/;\s*/)
      const [name = '', value = ''] = pair.split(/=(.*)/s)
      const path = attributes.find(attribute => /^path=/i.test(attribute))?.slice(5) ?? '/'
      jar = jar.filter(known => known.name !== name || known.path !== path)
      if (value !== '') jar.push({ name, value, path })
    }
    const location = response.headers.get('location')
    const html = await response.text()
    if (location && response.status >= 300 && response.status < 400) {
      return visit(new URL(location, url).href, {}, hops + 1)
    }
    return { url, status: response.status, html }
  }

  return {
    open: url => visit(url),
    submit(page, fields) {
      const action = /<form[^>]* action="([^"]*)"/.exec(page.html)?.[1] ?? page.url
      const hidden = [...page.html.matchAll(/<input type="hidden" name="([^"]*)" value="([^"]*)"/g)]
      const form = new URLSearchParams(hidden.map(([, name = '', value = '']) => [name, value]))
      for (const [name, value] of Object.entries(fields)) form.set(name, value)
      return visit(new URL(action, page.url).href, { method: 'POST', body: form })
    },
  }
}
