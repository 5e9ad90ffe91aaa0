"""The quarantine for whoever looks after it: what is there, and letting it go."""

import json
from collections.abc import Iterator

from cloudmart.pipeline.ports import Quarantined, RowFault
from cloudmart.pipeline.quarantine_intake import PREFIX, S3QuarantineIntake, key_of, translated


class S3Quarantine(S3QuarantineIntake):
    """Keeps records in a bucket of S3."""

    def held(self) -> Iterator[Quarantined]:
        """Yield what is kept, by the day it happened."""
        with translated():
            pages = self.client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self.bucket, Prefix=PREFIX):
                # A page of something on the way is read as an answer without this.
                for each in page["Contents"] if page["KeyCount"] else ():
                    answer = self.client.get_object(Bucket=self.bucket, Key=each["Key"])
                    told = json.loads(answer["Body"].read())
                    yield Quarantined(**told | {"fault": RowFault(**told["fault"])})

    def release(self, held: Quarantined) -> None:
        """Keep a record no longer."""
        with translated():
            self.client.delete_object(Bucket=self.bucket, Key=key_of(held))
