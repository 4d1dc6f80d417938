/**
 * A thread that runs units of a campaign: the other end of sweep-workers.ts. It reads the program itself, from the same options.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { campaignId } from '../../sweep/report.ts';
import { SlicedWorker } from '../../sweep/units.ts';
import { prepareCampaign } from '../campaign.ts';
import { nodeHost } from './host.ts';
import type { FromWorker, ToWorker, WorkerRequest } from './sweep-workers.ts';
import { breathe, withTexts } from './sweep-workers.ts';

/** Answers until the port is closed. Does nothing outside a worker thread. */
async function serve(): Promise<void> {
  if (parentPort === null) return;
  const port = parentPort;
  const say = (message: FromWorker): void => { port.postMessage(message); };
  const { argument, options, workingFolder, trusted, texts } = workerData as WorkerRequest;
  const campaign = await prepareCampaign(argument, options, withTexts(nodeHost({ workingFolder, trusted }), texts));
  const worker = new SlicedWorker(campaign, () => performance.now(), breathe);
  port.on('message', (message: ToWorker) => {
    if (message === 'stop') {
      worker.stop();
      return;
    }
    void worker.run(message.from, message.to, (progress) => { say({ progress }); }).then((report) => { say({ report }); });
  });
  say({ ready: campaignId(campaign) });
}

void serve();
