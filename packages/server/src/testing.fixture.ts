/** Fixtures that tests outside of the server also use. They are not published. */
export { certificateOf, EC_CERTIFICATE, RSA_CERTIFICATE } from './faces/management/certificates.fixture.ts'
export { type Browser, openBrowser, type Page } from './ground/pages/browser.fixture.ts'
