import { scimClient } from '../client-view.ts'
import type { ActionTypeGuide } from '../guide.ts'
import type { PasswordEvent } from './event.ts'
import { sample } from './sample.ts'
import { scenarios } from './scenarios.ts'

export const passwordGuide: ActionTypeGuide<PasswordEvent> = {
  subject: 'passwords',
  optionalMembers: ['organization', 'user.organization', 'user.id', 'user.claims', 'user.groups', 'userStore'],
  sample,
  scenarios,
  client: scimClient('the password'),
  console: {
    menu: '_Actions_ → _Pre Update Password_',
    steps: [
      '_Password sharing_: as plain text, since little can be checked of a digest, and with a certificate, so that it travels encrypted. Make a key pair with `openssl req -x509 -newkey rsa:2048 -nodes -days 730 -subj /CN=extension -keyout guard.key -out guard.crt`: the certificate is for the action, the key for the setting that ends in `DECRYPTION_KEY`.',
      '_User attributes_: user name, e-mail address, first and last name, if passwords must not be built from them.',
    ],
  },
}
