-- The conditions as kstatus reads them, of the generation that is declared.
local health = {status = "Progressing", message = "Waiting for kubelambda"}

if obj.metadata.deletionTimestamp ~= nil then
  health.message = "Being deleted"
  return health
end
if obj.status == nil or obj.status.conditions == nil then
  return health
end
if obj.status.observedGeneration ~= obj.metadata.generation then
  return health
end

local conditions = {}
for _, condition in ipairs(obj.status.conditions) do
  conditions[condition.type] = condition
end
local function is_true(type)
  return conditions[type] ~= nil and conditions[type].status == "True"
end
local function say(status, type)
  health.status = status
  health.message = conditions[type].reason .. ": " .. (conditions[type].message or "")
  return health
end

if is_true("Stalled") then
  return say("Degraded", "Stalled")
end
if is_true("Reconciling") then
  if conditions.Reconciling.reason == "Suspended" then
    return say("Suspended", "Reconciling")
  end
  return say("Progressing", "Reconciling")
end
if is_true("Ready") then
  return say("Healthy", "Ready")
end
if conditions.Ready ~= nil then
  return say("Progressing", "Ready")
end
return health
