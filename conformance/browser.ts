/** The rows sign in with the browser of the server's own tests. */
export { type Browser, openBrowser, type Page } from '../packages/server/src/ground/pages/browser.fixture.ts'
