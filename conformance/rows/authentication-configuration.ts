import assert from 'node:assert/strict'
import { type Check, notApplicable, row, type Section } from '../row.ts'
import { API, addDoor, doorInput } from './doors.ts'
import { assertRefused } from './engine-under-test.ts'

const CUSTOM = `${API}/authenticators/custom`
const WITHOUT_PROVIDERS = 'identity providers are missing'

/** The authenticator is rejected with this code and message, and is not stored. */
function refused(settings: Parameters<typeof doorInput>[0], code: string, ...descriptions: string[]): Check {
  return async stage => {
    const before = (await stage.must('GET', `${API}/authenticators`)).body.length
    const answered = await stage.call('POST', CUSTOM, doorInput(settings))
    assertRefused(answered, 400, code, ...descriptions)
    assert.equal((await stage.must('GET', `${API}/authenticators`)).body.length, before)
  }
}

const withBasic = (properties: Record<string, string>) => ({
  endpoint: { authentication: { type: 'BASIC' as const, properties } },
})

export const configuration: Section = {
  title: 'Configuration',
  rows: [
    row('AU-35', 'name `door-code`: AUT-60014', refused({ name: 'door-code' }, 'AUT-60014')),
    row('AU-36', 'displayName `ab`: AUT-60015', refused({ displayName: 'ab' }, 'AUT-60015')),
    row('AU-37', 'a name that exists: AUT-60013', async stage => {
      const { name } = await addDoor(stage)
      assertRefused(
        await stage.call('POST', CUSTOM, doorInput({ name })),
        400,
        'AUT-60013',
        `The authenticator already exists for the given name: ${name}.`,
      )
    }),
    row(
      'AU-38',
      'BASIC without username, and with a blank one: AUT-60011, which names the property as missing and as blank',
      async stage => {
        await refused(
          withBasic({ password: 'p' }),
          'AUT-60011',
          'The property username must be provided as an authentication property for the BASIC authentication type.',
        )(stage)
        await refused(
          withBasic({ username: ' ', password: 'p' }),
          'AUT-60011',
          'The Property username cannot be blank.',
        )(stage)
      },
    ),
    row('AU-39', 'endpoint uri `ftp://x`: UE-10000', refused({ endpoint: { uri: 'ftp://x' } }, 'UE-10000')),
    row('AU-40', 'the id of `custom-door-code`: `Y3VzdG9tLWRvb3ItY29kZQ`', async stage => {
      const { body } = await stage.must('POST', CUSTOM, doorInput({ name: 'custom-door-code' }))
      assert.equal(body.id, 'Y3VzdG9tLWRvb3ItY29kZQ')
      assert.equal((await stage.must('GET', `${CUSTOM}/Y3VzdG9tLWRvb3ItY29kZQ`)).body.name, 'custom-door-code')
      await stage.must('DELETE', `${CUSTOM}/${body.id}`)
    }),
    row('AU-41', 'identity provider with two user-defined authenticators: IDP-60044', notApplicable(WITHOUT_PROVIDERS)),
    row(
      'AU-42',
      'identity provider with a system authenticator with endpoint / a user-defined one without / a user-defined one with properties: IDP-60039 / IDP-60041 / IDP-60040',
      notApplicable(WITHOUT_PROVIDERS),
    ),
  ],
}
