import assert from 'node:assert/strict'
import { basic } from '../requests.ts'
import { row, type Section } from '../row.ts'
import { addDoorWithSignIn, answers, lastCallOf, PAGE, redeemed, sendAway } from './doors.ts'

export const requests: Section = {
  title: 'The request to the extension, and the redirects',
  rows: [
    row(
      'AU-01',
      'first step, endpoint with BASIC: AUTHENTICATION with flowId, requestId (if there is a correlation id, E32), tenant, organization of depth 0, application id and name, currentStepIndex 1, only `redirect` allowed; no user, no authenticatedSteps',
      async stage => {
        const properties = { username: 'iam', password: 'secret of the platform' }
        const door = await addDoorWithSignIn(stage, {
          endpoint: { authentication: { type: 'BASIC', properties } },
        })
        const { application, extension } = door
        await sendAway(stage, door)
        const { body, headers } = lastCallOf(extension)
        const { flowId, requestId, ...rest } = body
        assert.equal(headers['authorization'], basic(properties.username, properties.password))
        assert.match(flowId, /^[\w-]{16,}$/)
        if (stage.platform.disclosing.sendsRequestId) assert.match(requestId, /^[\w-]{16,}$/)
        else assert.equal(requestId, undefined)
        assert.notEqual(flowId, requestId)
        assert.deepEqual(rest, {
          actionType: 'AUTHENTICATION',
          event: {
            request: {},
            tenant: { id: stage.tenant.id, name: stage.tenant.domain },
            organization: stage.organization,
            application: { id: application.id, name: application.name },
            currentStepIndex: 1,
          },
          allowedOperations: [{ op: 'redirect' }],
        })
      },
    ),
    row(
      'AU-02',
      'the authorization request has `door=7_north`, which the endpoint allows: additionalParams has door with ["7_north"]',
      async stage => {
        const door = await addDoorWithSignIn(stage, { endpoint: { allowedParameters: ['door'] } })
        await sendAway(stage, door, { parameters: { door: '7_north' } })
        assert.deepEqual(lastCallOf(door.extension).body.event.request, {
          additionalParams: [{ name: 'door', value: ['7_north'] }],
        })
      },
    ),
    row('AU-03', 'a parameter that the endpoint does not allow: absent', async stage => {
      const door = await addDoorWithSignIn(stage, { endpoint: { allowedParameters: ['door'] } })
      await sendAway(stage, door, { parameters: { window: '2_south' } })
      assert.deepEqual(lastCallOf(door.extension).body.event.request, {})
    }),
    row('AU-04', 'INCOMPLETE with one redirect: 302 to its url, with the application in `spId`', async stage => {
      const door = await addDoorWithSignIn(stage)
      const { page } = await sendAway(stage, door)
      assert.equal(page.url, `${PAGE}&spId=${door.application.id}`)
    }),
    row(
      'AU-05',
      'the browser returns to `/t/{tenant}/commonauth?flowId=F`: the extension is called again, with the same flowId',
      async stage => {
        const door = await addDoorWithSignIn(stage)
        const { browser, flowId, back } = await sendAway(stage, door)
        assert.equal(new URL(back).pathname, `/t/${stage.tenant.domain}/commonauth`)
        await browser.open(back)
        assert.deepEqual(
          door.extension.calls.map(({ body }) => body.flowId),
          [flowId, flowId],
        )
      },
    ),
    row(
      'AU-06',
      'the second answer is SUCCESS with a known user: the sign-in ends with a code, the ID token has the values of the store',
      async stage => {
        const door = await addDoorWithSignIn(stage)
        const { browser, back } = await sendAway(stage, door)
        const claims = [{ uri: 'http://wso2.org/claims/givenname', value: 'Somebody' }]
        door.extension.answer(() => answers.identified(stage.user, { claims }))
        const { idToken } = await redeemed(stage, door.application, await browser.open(back))
        assert.deepEqual([idToken?.sub, idToken?.['given_name']], [stage.user.id, 'Mira'])
      },
    ),
    row('AU-07', 'INCOMPLETE three times in a row: three redirects', async stage => {
      const door = await addDoorWithSignIn(stage)
      const { browser, back } = await sendAway(stage, door)
      for (const round of [2, 3]) {
        door.extension.answer(() => answers.redirect(`https://door.example/round/${round}`))
        assert.equal(new URL((await browser.open(back)).url).pathname, `/round/${round}`)
      }
      assert.equal(door.extension.calls.length, 3)
    }),
  ],
}
