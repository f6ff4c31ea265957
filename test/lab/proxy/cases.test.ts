import { expect, test } from 'vitest';
import { TestMesh } from '../../support/labMesh.js';
import { eventually } from '../../support/poll.js';
import { proxyCases } from '../../support/proxyCases.js';

test.each(proxyCases())('$name', async ({ pods, rules = [], request, status, source, destination }) => {
  const mesh = await TestMesh.start(pods, rules);
  try {
    const answer = await mesh.send(request);
    expect(answer.status).toBe(status);
    expect(mesh.source()).toEqual(source);
    // Copies and cut connections are counted when they end, which may be after the answer.
    await eventually(() => expect(mesh.destination()).toEqual(destination));
    expect(mesh.source()).toEqual(source);
  } finally {
    await mesh.close();
  }
});
