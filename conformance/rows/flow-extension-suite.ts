import { notApplicable, numbered, type RowId, row, type Suite } from '../row.ts'

const WITHOUT_FLOWS = 'flow extensions are missing, and so are the registration and recovery flows that contain them'

const absent = (id: RowId, title: string) => row(id, title, notApplicable(WITHOUT_FLOWS))

/** The rows of flow extensions: extensions that are a step of a registration, an invitation or a password reset. */
export const flowExtensionSuite: Suite = {
  title: 'Flow extensions',
  introduction:
    'A flow extension is an executor in a registration, invitation or recovery flow. It gets the exposed paths, and may replace the modifiable ones.',
  ids: numbered('FX-', 14),
  sections: [
    {
      title: 'Steps of flows',
      rows: [
        absent('FX-01', 'only the e-mail claim is exposed: the request has that claim alone'),
        absent('FX-02', 'exposed claim without a value: `""` is sent'),
        absent('FX-03', 'exposed and encrypted, with a certificate: the value is a compact JWE'),
        absent('FX-04', 'exposed and encrypted, without a certificate: left out, with a warning'),
        absent('FX-05', 'nothing may be modified: only `redirect` is allowed'),
        absent('FX-06', 'SUCCESS replaces a claim that may be modified: the user of the flow has the new value'),
        absent('FX-07', 'replaces an identity claim and a valid one: the first is dropped, the second applied'),
        absent('FX-08', 'plain text for a path that must be encrypted: the whole answer is rejected'),
        absent('FX-09', 'FAILED: the step is repeated, additionalInfo has failureType FLOW_EXTENSION_FAILURE'),
        absent(
          'FX-10',
          'INCOMPLETE: the redirect gets `flowId` with a one-time id, after `&` where the url has a query',
        ),
        absent('FX-11', 'the one-time id is used twice: the second use is refused'),
        absent('FX-12', 'node without actionId: `Extension is not configured.`'),
        absent('FX-13', '51 exposed paths: rejected'),
        absent('FX-14', 'path `user/claims` or `/user/`: rejected'),
      ],
    },
  ],
}
