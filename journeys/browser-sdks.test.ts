/** Asgardeo's SDKs for single-page applications, unmodified, in a real browser. */
import assert from 'node:assert/strict'
import { servePage } from './bundled-page.fixture.ts'
import { journey, MIRA, type Stage, signIn } from './stage.fixture.ts'

/** Parts of WSO2's products that Preflow does not have. The SDK goes on without them. */
const NOT_OFFERED = [
  '404 /t/demo/api/server/v1/branding-preference/resolve',
  '404 /t/demo/api/users/v1/me/organizations',
]

/** A public application for the page, with what the console sets for single-page applications. */
function addPageApplication({ addApplication }: Stage, origin: string) {
  return addApplication({
    publicClient: true,
    pkce: { mandatory: true },
    grantTypes: ['authorization_code', 'refresh_token'],
    callbackURLs: [origin],
    allowedOrigins: [origin],
    accessToken: { type: 'JWT' },
  })
}

journey('@asgardeo/auth-spa: sign-in, user, refresh, API call, revocation and sign-out', async (walk, stage) => {
  const { complaints, page } = walk
  const { configure, origin } = await servePage('auth-spa.js')
  const { clientId } = await addPageApplication(stage, origin)
  configure({ baseUrl: stage.base, clientID: clientId })
  const run = <Result>(code: string) => page.evaluate<Result>(code)

  await page.goto(origin)
  await page.waitForFunction("document.title === 'signed out'")
  await run('void client.signIn()')
  await signIn(page)
  await page.waitForFunction("document.title === 'signed in'")
  const user = await run<{ username: string }>('client.getBasicUserInfo()')
  assert.equal(user.username, MIRA.userName)
  const { given_name } = await run<{ given_name: string }>('client.getDecodedIDToken()')
  assert.equal(given_name, MIRA.givenName)
  const before = await run<string>('client.getAccessToken()')
  await run('client.refreshAccessToken()')
  assert.notEqual(await run('client.getAccessToken()'), before)
  const url = JSON.stringify(`${stage.base}/scim2/Me`)
  const me = await run<{ data: { userName: string } }>(`client.httpRequest({ url: ${url}, method: 'GET' })`)
  assert.equal(me.data.userName, MIRA.userName)
  await run('void client.signOut()')
  await page.waitForURL(/state=sign_out_success/)
  assert.deepEqual(complaints, [])
})

journey('@asgardeo/auth-react: sign-in, user, refresh and sign-out', async ({ complaints, page }, stage) => {
  const { configure, origin } = await servePage('auth-react.jsx')
  const { clientId } = await addPageApplication(stage, origin)
  configure({ baseUrl: stage.base, clientID: clientId })
  await page.goto(origin)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await signIn(page)
  await page.getByRole('heading', { name: `Hello ${MIRA.userName}` }).waitFor()
  await page.getByRole('button', { name: 'Refresh' }).click()
  await page.waitForFunction("document.title === 'refreshed'")
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.waitForURL(/state=sign_out_success/)
  assert.deepEqual(complaints, [])
})

journey('@asgardeo/react: sign-in, the profile of SCIM shown and edited, sign-out', async (walk, stage) => {
  const { complaints, page } = walk
  const { configure, origin } = await servePage('react.jsx')
  const { clientId } = await addPageApplication(stage, origin)
  configure({ baseUrl: stage.base, clientId })
  await page.goto(origin)
  await page.getByRole('button', { name: 'Sign in' }).click()
  await signIn(page)
  await page.getByRole('heading', { name: `Hello ${MIRA.userName}` }).waitFor()
  const row = page.locator('xpath=//span[text()="Given name"]/ancestor::div[.//button][1]')
  await row.getByTitle('Edit').click()
  await row.getByRole('textbox').fill('Mirabel')
  await row.getByRole('button', { name: 'Save' }).click()
  await row.getByText('Mirabel').waitFor()
  const { name } = await stage.readUser()
  assert.deepEqual(name, { givenName: 'Mirabel', familyName: 'Example' })
  await page.getByRole('button', { name: 'Sign out' }).click()
  await page.waitForURL(/state=sign_out_success/)
  assert.deepEqual([...new Set(complaints)], NOT_OFFERED)
})
