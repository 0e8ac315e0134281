/** @asgardeo/auth-spa, configured as its README does. */
import { AsgardeoSPAClient } from '@asgardeo/auth-spa'

const { baseUrl, clientID } = globalThis.settings
const client = AsgardeoSPAClient.getInstance()
await client.initialize({
  ...{ baseUrl, clientID },
  signInRedirectURL: location.origin,
  signOutRedirectURL: location.origin,
  scope: ['openid', 'profile', 'internal_login'],
  resourceServerURLs: [baseUrl],
})
globalThis.client = client
await client.signIn({ callOnlyOnRedirect: true })
document.title = (await client.isAuthenticated()) ? 'signed in' : 'signed out'
