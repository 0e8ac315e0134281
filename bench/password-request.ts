/** A password update as a platform sends it: about a kilobyte. */
export function passwordRequest(password: string): object {
  const organization = {
    id: '5d0c9d0e-0a51-4a5d-8a34-7f6d7a3c2b10',
    name: 'Heron',
    orgHandle: 'heron.example',
    depth: 0,
  }
  return {
    // Without a request id. With one, a repeated request would be answered from memory.
    actionType: 'PRE_UPDATE_PASSWORD',
    event: {
      initiatorType: 'USER',
      action: 'UPDATE',
      tenant: { id: '417', name: 'heron.example' },
      organization,
      user: {
        id: 'b1d2b7a4-6a0c-4d0e-8c38-0a1d7e3f9a55',
        organization,
        claims: [
          { uri: 'http://wso2.org/claims/username', value: 'ines' },
          { uri: 'http://wso2.org/claims/emailaddress', value: 'ines.diver@heron.example' },
          { uri: 'http://wso2.org/claims/givenname', value: 'Ines' },
          { uri: 'http://wso2.org/claims/lastname', value: 'Diver' },
        ],
        groups: ['divers', 'staff'],
        updatingCredential: { type: 'PASSWORD', format: 'PLAIN_TEXT', value: password },
      },
      userStore: { id: 'UFJJTUFSWQ==', name: 'PRIMARY' },
    },
  }
}
