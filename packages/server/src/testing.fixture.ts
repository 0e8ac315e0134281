/** What tests outside of the server use as well. It is not part of what is published. */
export { certificateOf, EC_CERTIFICATE, RSA_CERTIFICATE } from './faces/management/certificates.fixture.ts'
export { type Browser, openBrowser, type Page } from './ground/pages/browser.fixture.ts'
