"""The decision path: one function behind one API."""

from aws_cdk import App

from cdk.function import PythonFunction
from cdk.parameters import publish
from cdk.reach import Surroundings
from cdk.rest_api import STAGE, RestApi
from configs.contracts.names import Function, Parameter
from configs.settings.environment import EnvironmentSettings
from stacks.base import SevenLensStack


class Serving(SevenLensStack):
    """Recommendations by a signed REST API."""

    def __init__(self, app: App, settings: EnvironmentSettings) -> None:
        super().__init__(app, "serving", settings, "the recommendation API")
        key = self.data_key()
        recommend = PythonFunction(
            self,
            Function.RECOMMEND,
            settings,
            around=Surroundings(self.handles, settings.bedrock),
            key=key,
        )
        live = recommend.live()
        rest = RestApi(self, "Rest", settings, target=live, key=key)
        env = settings.name
        publish(self, env, Parameter.RECOMMEND_FUNCTION, live.function_arn)
        publish(self, env, Parameter.API_URL, rest.api.url)
        publish(self, env, Parameter.API_ID, rest.api.rest_api_id)
        publish(self, env, Parameter.API_STAGE, STAGE)
