/** What the service takes back from the workspace when it starts. */
import { catalogueEntry } from "./catalogue.ts";
import type { Recommendation } from "./recommendations.ts";
import type { Workspace } from "./workspace.ts";

export async function readRecommendations(workspace: Workspace): Promise<Recommendation[]> {
  const { rows } = await workspace.query(
    `SELECT RecommendationId, RecommendationName, DeviceId, RecommendationAdditionalData,
       RecommendationState, epoch_ms(DiscoveredTimeUTC)::DOUBLE, epoch_ms(StatusChangeDate)::DOUBLE
     FROM SecurityRecommendation`,
  );
  return rows.map(([id, type, deviceId, details, state, first, changed]) => {
    const { name, severity, description, remediation } = catalogueEntry(String(type));
    return {
      id: String(id),
      type: String(type),
      deviceId: deviceId === null ? null : String(deviceId),
      details: JSON.parse(String(details)),
      displayName: name,
      severity,
      description,
      remediation,
      state: state === "Active" ? "Active" : "Healthy",
      firstTime: new Date(Number(first)).toISOString(),
      changedTime: new Date(Number(changed)).toISOString(),
    };
  });
}
