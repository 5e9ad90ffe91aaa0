"""The routes of `/api/pipeline`."""

from typing import Annotated

from fastapi import Depends, Response

from cloudmart.access.guarded_route import GuardedRoute
from cloudmart.http.dependencies import provide
from cloudmart.pipeline.models import PipelineStatus
from cloudmart.pipeline.watch.status import PipelineMonitor
from cloudmart.rates.route_class import ClassifiedRouter

router = ClassifiedRouter(prefix="/api/pipeline", tags=["pipeline"], route_class=GuardedRoute)
Monitor = Annotated[PipelineMonitor, Depends(provide(PipelineMonitor))]


@router.get("/status", summary="Get the state of the order pipeline")
async def tell_pipeline_status(monitor: Monitor, response: Response) -> PipelineStatus:
    response.headers["Cache-Control"] = "no-store"
    return await monitor.status()
