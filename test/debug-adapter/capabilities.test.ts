import { expect, it } from 'vitest';
import { TestClient } from './client.ts';

it('announces exactly what it handles', async () => {
  expect(await new TestClient().ask('initialize', { adapterID: 'mcsafe' })).toMatchInlineSnapshot();
});
