import { fileURLToPath } from 'node:url'
import { rolldown } from 'rolldown'
import { serve } from './stage.fixture.ts'

/** A single-page application: its source in `pages/`, bundled as its developer would. */
export interface BundledPage {
  origin: string
  /** Sets what the page reads as `settings`. Call it before the browser opens the page. */
  configure(settings: object): void
}

/** Bundles a page with the unmodified SDK and serves it, at every path. */
export async function servePage(name: string): Promise<BundledPage> {
  const bundle = await rolldown({
    input: fileURLToPath(new URL(`pages/${name}`, import.meta.url)),
    platform: 'browser',
    transform: { define: { 'process.env.NODE_ENV': '"production"', global: 'globalThis' } },
    logLevel: 'silent',
  })
  const { output } = await bundle.generate({ format: 'esm', codeSplitting: false })
  const code = output[0].code
  let settings: object = {}
  const origin = await serve(({ url }, response) => {
    if (url === '/page.js') return response.setHeader('content-type', 'text/javascript').end(code)
    if (url === '/favicon.ico') return response.writeHead(204).end()
    const script = `globalThis.settings = ${JSON.stringify(settings)}`
    const body = `<div id="root"></div><script>${script}</script><script type="module" src="/page.js"></script>`
    response.setHeader('content-type', 'text/html; charset=utf-8')
    return response.end(`<!doctype html><title>Journey</title>${body}`)
  })
  return {
    origin,
    configure(given) {
      settings = given
    },
  }
}
