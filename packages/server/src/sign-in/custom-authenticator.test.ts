import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { decodeJwt } from 'jose'
import * as client from 'openid-client'
import { CALLBACK, openBrowser } from '../oauth/browser.cases.ts'
import { type Extension, onEachDatabase, startExtension, startWorld, type World } from '../oauth/world.cases.ts'
import type { User } from '../store/model.ts'
import { addApplication, addAuthenticator, answers } from './authenticators.cases.ts'

const DOOR = 'custom-door-code'
const PAGE = 'https://door.example/entry?h=0f9c'

onEachDatabase(databaseUrl => {
  let world: World
  let extension: Extension
  let user: User
  before(async () => {
    world = await startWorld(databaseUrl === undefined ? {} : { databaseUrl })
    extension = await startExtension()
    user = await world.addUser()
    await addAuthenticator(world, DOOR, extension)
  })
  after(async () => {
    await extension.close()
    await world.close()
  })

  test('user-actions 4.3: a standard client signs a user in through the page of an extension', async () => {
    const application = await addApplication(world, [DOOR])
    const configuration = await client.discovery(
      new URL(`${world.base}/oauth2/token`),
      application.clientId,
      application.clientSecret,
      undefined,
      { execute: [client.allowInsecureRequests] },
    )
    const verifier = client.randomPKCECodeVerifier()
    const authorization = client.buildAuthorizationUrl(configuration, {
      redirect_uri: CALLBACK,
      scope: 'openid profile',
      code_challenge: await client.calculatePKCECodeChallenge(verifier),
      code_challenge_method: 'S256',
    })

    extension.calls.length = 0
    extension.answer(() => answers.redirect(PAGE))
    const browser = openBrowser(world.server.address)
    const away = await browser.open(authorization.href)
    assert.equal(away.url, `${PAGE}&spId=${application.id}`)
    const { flowId } = extension.calls[0]?.body ?? {}
    assert.match(flowId, /^[0-9a-f]{32}$/)

    extension.answer(() => answers.identified(user))
    const landing = await browser.open(`${world.base}/commonauth?flowId=${flowId}`)
    const tokens = await client.authorizationCodeGrant(configuration, new URL(landing.url), {
      pkceCodeVerifier: verifier,
    })
    assert.equal(tokens.claims()?.sub, user.id)
    assert.equal(tokens.claims()?.['given_name'], 'Mira')
    assert.deepEqual(tokens.claims()?.['amr'], [DOOR])
    assert.equal(decodeJwt(tokens.access_token).sub, user.id)
    assert.deepEqual(
      extension.calls.map(({ body }) => body.flowId),
      [flowId, flowId],
    )
  })
})
