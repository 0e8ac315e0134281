import assert from 'node:assert/strict'

/** The parts of a browser that a sign-in needs: cookies by host and path, redirects, automatic forwarding, forms. */
export interface Browser {
  /** Follows redirects and automatic forwarding to a page that waits for the user. */
  open(url: string): Promise<Page>
  /** Fills in the form of a page and submits it with the values that are already there. */
  submit(page: Page, fields: Record<string, string>): Promise<Page>
  /** Follows the link with this label. */
  follow(page: Page, text: string): Promise<Page>
}

/** The page that the browser shows. */
export interface Page {
  url: string
  status: number
  headers: Headers
  html: string
  /** The visible content. */
  text: string
}

const MAX_HOPS = 15

const ENTITIES: Record<string, string> = { '&lt;': '<', '&gt;': '>', '&quot;': '"', '&#39;': "'", '&amp;': '&' }
const plain = (text: string) => text.replace(/&(lt|gt|quot|#39|amp);/g, entity => ENTITIES[entity] ?? entity)

export function openBrowser(): Browser {
  const jar: { host: string; name: string; value: string; path: string }[] = []

  async function visit(url: string, init: RequestInit = {}, hops = 0): Promise<Page> {
    assert.ok(hops < MAX_HOPS, `too many redirects, the last to ${url}`)
    // Cookies ignore ports. So the server, the extensions and the application share them.
    const { hostname: host, pathname } = new URL(url)
    const isFor = (path: string) => pathname === path || pathname.startsWith(path.endsWith('/') ? path : `${path}/`)
    const cookie = jar
      .filter(entry => entry.host === host && isFor(entry.path))
      .map(({ name, value }) => `${name}=${value}`)
      .join('; ')
    const response = await fetch(url, { ...init, redirect: 'manual', headers: { cookie } }).catch(error => {
      // An application that is not running. Only its address can be shown.
      if (hops > 0 && error.cause?.code === 'ECONNREFUSED') return new Response('', { status: 502 })
      throw error
    })
    for (const text of response.headers.getSetCookie()) keep(host, text)
    const html = await response.text()
    const location =
      response.headers.get('location') ?? /http-equiv="refresh" content="0;\s*url=([^"]*)"/.exec(html)?.[1]
    if (location !== undefined) return visit(new URL(plain(location), url).href, {}, hops + 1)
    const text = plain(html.replace(/<style>.*?<\/style>|<[^>]*>/gs, ' ').replace(/\s+/g, ' '))
    return { url, status: response.status, headers: response.headers, html, text }
  }

  function keep(host: string, text: string): void {
    const [pair = '', ...attributes] = text.split(/;\s*/)
    const [name = '', value = ''] = pair.split(/=(.*)/s)
    const path = attributes.find(attribute => /^path=/i.test(attribute))?.slice(5) ?? '/'
    const known = jar.findIndex(entry => entry.host === host && entry.name === name && entry.path === path)
    if (known >= 0) jar.splice(known, 1)
    if (value !== '' && !attributes.some(attribute => /^max-age=0$/i.test(attribute)))
      jar.push({ host, name, value, path })
  }

  return {
    open: url => visit(url),
    submit(page, fields) {
      const [, attributes = ''] = /<form([^>]*)>/.exec(page.html) ?? []
      const target = new URL(plain(/action="([^"]*)"/.exec(attributes)?.[1] ?? page.url), page.url)
      const given = [...page.html.matchAll(/<input type="(?:hidden" |radio".* checked)[^>]*>/g)].map(([input]) => [
        /name="([^"]*)"/.exec(input)?.[1] ?? '',
        plain(/value="([^"]*)"/.exec(input)?.[1] ?? ''),
      ])
      const form = new URLSearchParams({ ...Object.fromEntries(given), ...fields })
      if (attributes.includes('method="post"')) return visit(target.href, { method: 'POST', body: form })
      target.search = String(form)
      return visit(target.href)
    },
    follow(page, text) {
      const [, link] = new RegExp(`<a[^>]* href="([^"]*)"[^>]*>${text}</a>`).exec(page.html) ?? []
      assert.ok(link !== undefined, `no link “${text}” at ${page.url}\n${page.html}`)
      return visit(new URL(plain(link), page.url).href)
    },
  }
}
